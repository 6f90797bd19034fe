"""The kernel in which Papermill runs a notebook."""

from jupyter_client.manager import AsyncKernelManager


class Kernel(AsyncKernelManager):
    """One that is asked to end, not interrupted first: nothing runs in it any more.

    Jupyter interrupts every kernel before it asks; where its last answer is hardly out, ipykernel takes the
    signal for an error and says so on standard error.
    """

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        """Raises RuntimeError where there is none. `now`: without asking."""
        if now or restart:
            await AsyncKernelManager.shutdown_kernel(self, now, restart)
            return
        self.shutting_down = True
        self.stop_restarter()
        await self.request_shutdown()
        await self.finish_shutdown()
        await self.cleanup_resources()
