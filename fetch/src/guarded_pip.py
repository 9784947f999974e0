# Runs pip for as long as its parent lives. When the parent ends, however it does, its end of our standard input closes: then pip ends too,
# and the work folder goes. The first argument is that folder, the others are pip's.
import os
import runpy
import shutil
import signal
import sys
import threading

work = sys.argv[1]


def watch():
    while os.read(0, 1):
        pass
    for _ in range(5):
        shutil.rmtree(work, ignore_errors=True)
        if not os.path.exists(work):
            break
    os._exit(1)


# A terminal sends these to the whole group; the parent decides, and its end is seen above.
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
threading.Thread(target=watch, daemon=True).start()
sys.argv[:] = ["pip", *sys.argv[2:]]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
