# SPDX-License-Identifier: Apache-2.0
"""Debian's gateway client with the kernel's name passed on.

nbclient does not say the name when it starts a kernel, and the gateway client then asks for
python3. Used for notebooks of other languages only.
"""

from jupyter_server.gateway.managers import GatewayKernelManager


class NamedKernelManager(GatewayKernelManager):
    async def start_kernel(self, **kwargs):
        kwargs.setdefault("kernel_name", self.kernel_name)
        return await super().start_kernel(**kwargs)
