# SPDX-License-Identifier: Apache-2.0
"""What notebooks do, as code to be executed in a kernel: by its means the policies are judged.

Plain use of the standard library and of what people call from it, nothing chosen for its system
calls. Each piece stands for itself; none may fail.
"""

LUA = [
    'print("hello", 6 * 7)',
    "local t = {} for i = 1, 200000 do t[i] = tostring(i) end return #table.concat(t)",
    'local f = assert(io.open("notes.txt", "w")) f:write("one\\ntwo\\n") f:close()\n'
    'for line in io.lines("notes.txt") do io.write(line) end',
    'assert(os.rename("notes.txt", "more.txt")) assert(os.remove("more.txt"))',
    'local name = os.tmpname() local f = assert(io.open(name, "a+b")) f:write("x") f:seek("set")\n'
    'f:setvbuf("full", 4096) f:flush() print(f:read("a")) f:close() os.remove(name)',
    "return os.time(), os.clock(), os.date(), os.getenv('HOME')",
    'local p = assert(io.popen("echo from a pipe")) print(p:read("a")) p:close()',
    'local p = assert(io.popen("cat >/dev/null", "w")) p:write("to a pipe") p:close()',
    'print(os.execute("true"))',
    'local f = io.tmpfile() f:write("x") f:close()',
    'error("an error, with its trace")',
    "collectgarbage() return collectgarbage('count') > 0",
]

PYTHON = [
    "print('hello', 6 * 7)",
    "import os, sys, pathlib, shutil, tempfile, time\n"
    "folder = pathlib.Path(tempfile.mkdtemp()); os.chdir(folder)\n"
    "(folder / 'a').write_text('x' * 100000); shutil.copy2('a', 'b'); shutil.copytree('.', '../c' + folder.name)\n"
    "os.rename('b', 'd'); os.replace('d', 'e'); os.chmod('e', 0o600); os.utime('e'); os.truncate('e', 10)\n"
    "os.symlink('e', 'f'); os.readlink('f'); os.link('e', 'g'); os.mkfifo('h'); os.stat('e'); os.lstat('f')\n"
    "os.access('e', os.W_OK); os.listdir('.'); list(os.walk('.')); list(os.fwalk('.')); shutil.disk_usage('.')\n"
    "os.statvfs('.'); os.umask(0o22); os.makedirs('i/j'); os.removedirs('i/j'); os.unlink('h')\n"
    "os.chown('e', os.getuid(), os.getgid()); os.getcwd(); shutil.rmtree('../c' + folder.name)",
    "import fcntl, mmap\n"
    "with open('e', 'r+b') as file:\n"
    "    file.truncate(8192); os.posix_fallocate(file.fileno(), 0, 8192); fcntl.flock(file, fcntl.LOCK_EX)\n"
    "    fcntl.lockf(file, fcntl.LOCK_EX); os.fsync(file.fileno()); os.fdatasync(file.fileno())\n"
    "    os.fchmod(file.fileno(), 0o644); os.fchown(file.fileno(), -1, os.getgid()); os.fstatvfs(file.fileno())\n"
    "    os.pread(file.fileno(), 10, 0); os.pwrite(file.fileno(), b'x', 0); os.lseek(file.fileno(), 0, 0)\n"
    "    with mmap.mmap(file.fileno(), 0) as memory: memory[0] = 65; memory.flush(); memory.resize(16384)",
    "import sqlite3\n"
    "db = sqlite3.connect('data.db'); db.execute('create table t (x)')\n"
    "db.executemany('insert into t values (?)', [(i,) for i in range(1000)]); db.commit()\n"
    "print(db.execute('select sum(x) from t').fetchone()); db.execute('pragma journal_mode=wal'); db.close()",
    "import subprocess\n"
    "print(subprocess.run(['sh', '-c', 'echo out; echo err >&2; ls -la / | head -n 3; cp -a e k; mv k l; rm l'],"
    " capture_output=True).returncode)\n"
    "p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print(p.communicate(b'x'))\n"
    "p = subprocess.Popen(['sleep', '10'], start_new_session=True); p.terminate(); p.wait()\n"
    "os.system('true'); os.popen('id').read(); os.waitstatus_to_exitcode(os.spawnlp(os.P_WAIT, 'true', 'true'))",
    "!ls -la | head -n 2; nice -n 1 true; stty -a >/dev/null; tar -c e | tar -t; touch m; sort e | uniq | wc",
    "import pty\n"
    "pid, fd = pty.fork()\n"
    "if pid == 0: os.execvp('bash', ['bash', '-ic', 'stty size; sleep 0.1 & jobs; wait; echo done'])\n"
    "text = b''\n"
    "try:\n"
    "    while data := os.read(fd, 1000): text += data\n"
    "except OSError: pass\n"
    "print(text, os.waitpid(pid, 0)); os.close(fd)",
    "import multiprocessing\n"
    "def square(x): return x * x\n"
    "with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(square, range(10)))\n"
    "queue = multiprocessing.Queue(); lock = multiprocessing.Lock(); value = multiprocessing.Value('i', 1)\n"
    "process = multiprocessing.get_context('fork').Process(target=lambda: queue.put(1)); process.start()\n"
    "print(queue.get()); process.join()",
    "import concurrent.futures, threading\n"
    "with concurrent.futures.ThreadPoolExecutor(4) as pool: print(sum(pool.map(lambda x: x, range(100))))\n"
    "event = threading.Event(); threading.Timer(0.01, event.set).start(); event.wait(1)",
    "import asyncio, selectors\n"
    "async def main():\n"
    "    process = await asyncio.create_subprocess_exec('echo', 'x', stdout=asyncio.subprocess.PIPE)\n"
    "    print(await process.communicate())\n"
    "    server = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)\n"
    "    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())\n"
    "    print(await reader.read()); writer.close(); server.close()\n"
    "    await asyncio.sleep(0.01)\n"
    "await main()",
    "import socket, http.server, urllib.request\n"
    "httpd = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
    "threading.Thread(target=httpd.serve_forever, daemon=True).start()\n"
    "print(len(urllib.request.urlopen(f'http://127.0.0.1:{httpd.server_port}/').read())); httpd.shutdown()\n"
    "a, b = socket.socketpair(); a.sendall(b'x'); b.recv(1); a.shutdown(socket.SHUT_RDWR)\n"
    "u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.close(); print(socket.getaddrinfo('localhost', 80))",
    "import signal, resource, time\n"
    "signal.signal(signal.SIGALRM, lambda *_: None); signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.02)\n"
    "signal.alarm(1); signal.alarm(0); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    "print(resource.getrlimit(resource.RLIMIT_NOFILE), os.getpriority(os.PRIO_PROCESS, 0), os.times())\n"
    "os.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0)); os.sched_yield(); os.getloadavg()\n"
    "os.getgroups(); os.getsid(0); os.getpgid(0); os.uname(); os.urandom(8); time.clock_getres(time.CLOCK_MONOTONIC)",
    "import psutil\n"
    "me = psutil.Process(); print(psutil.virtual_memory().total > 0, me.memory_info().rss > 0, me.nice(), me.num_threads())\n"
    "psutil.cpu_percent(); psutil.disk_partitions(); psutil.net_if_addrs(); psutil.pids(); me.rlimit(psutil.RLIMIT_NOFILE)",
    "import faulthandler, ctypes, pickle, json, zipfile, gzip, getpass, platform, uuid, logging, locale\n"
    "faulthandler.enable(); print(ctypes.CDLL(None).getpid(), getpass.getuser(), platform.platform(), uuid.uuid4())\n"
    "with zipfile.ZipFile('z.zip', 'w') as archive: archive.write('e')\n"
    "with gzip.open('z.gz', 'wb') as file: file.write(b'x' * 100000)",
    "fd = os.memfd_create('x'); os.write(fd, b'x'); os.dup2(fd, 200); os.closerange(200, 210); os.close(fd)\n"
    "from multiprocessing import shared_memory\n"
    "memory = shared_memory.SharedMemory(create=True, size=4096); memory.close(); memory.unlink()",
    "1 / 0",
    "%time sum(range(100000))",
]
