# SPDX-License-Identifier: Apache-2.0
"""Boots attack-cells (hostd/attack) as PID 1 on a kernel of choice, with a plan to carry out."""

import pathlib
import re
import subprocess

from lib.gateway import ROOT

PROGRAMS = ROOT / "build" / "programs"
KERNELS = {
    "product": ROOT / "build" / "image" / "qemu-test" / "bzImage",
    "permissive": ROOT / "build" / "kernel-permissive" / "bzImage",
}
# What a boot of ours sets itself, or what only the permissive kernel is for.
NOT_OURS = re.compile(r"^(root|ro|rootfstype|init|dm-mod\.create|quiet|console|reserve_mem|ramoops)\b")
LAX = "vsyscall=emulate mitigations=off"


def _words(kernel):
    if kernel == "permissive":
        return LAX
    text = (ROOT / "build/image/qemu-test/cmdline").read_text()
    text = re.sub(r'dm-mod\.create="[^"]*"', "", text)
    return " ".join(word for word in text.split() if not NOT_OURS.match(word))


def _pack(folder, plan):
    root = folder / "root"
    for name in ("attack", "proc", "sys", "dev", "run", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("attack-cells", "attack-probe", "attack-cell-init", "cell-init"):
        target = root / "attack" / name
        target.write_bytes((PROGRAMS / name).read_bytes())
        target.chmod(0o755)
    (root / "attack/sysctl.conf").write_text((ROOT / "rootfs/etc/anchorhold/sysctl.conf").read_text())
    (root / "attack/plan").write_text("".join(line + "\n" for line in plan))
    image = folder / "root.img"
    image.unlink(missing_ok=True)
    subprocess.run(["mkfs.erofs", "--quiet", "--all-root", str(image), str(root)], check=True,
                   capture_output=True)
    return image


def boot(folder, kernel, plan, timeout=600):
    """What attack-cells printed, line by line."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    image = _pack(folder, plan)
    log = folder / f"console-{kernel}.log"
    command = ["qemu-system-x86_64", "-machine", "microvm,acpi=off,isa-serial=on,rtc=on,pcie=off",
               "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "512", "-smp", "1",
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-kernel", str(KERNELS[kernel]),
               "-append", "root=/dev/vda ro rootfstype=erofs init=/attack/attack-cells "
                          # An emulated timer on a busy host may miss the kernel's check of it.
                          "console=ttyS0 quiet reboot=t panic=-1 acpi=off no_timer_check " +
               _words(kernel),
               "-drive", f"if=none,id=root,format=raw,readonly=on,file={image}",
               "-device", "virtio-blk-device,drive=root", "-serial", f"file:{log}",
               "-object", "rng-random,id=rng,filename=/dev/urandom",
               "-device", "virtio-rng-device,rng=rng"]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.STDOUT, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        pass
    lines = log.read_text(errors="replace").replace("\r", "").splitlines()
    assert "plan done" in lines, f"{kernel}: the plan was not carried out:\n" + "\n".join(lines[-30:])
    return lines
