# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boot an image, run one command in it, hand back its output and status."""
import os
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from . import cpio, images

# The machine failed, as opposed to the command: panic, time-out, no boot.
FAILED = 125
PORTS = ("ctl", "out", "err", "in", "dmesg")


class Machine:
    """Settings of one run; run() does it."""

    def __init__(self, kernel_dir, disks, command, **opt):
        self.boot_dir = kernel_dir      # holds vmlinuz and initrd
        self.disks = disks              # read-only ext4 layers, lowest first
        self.command = command
        self.share = opt.get("share")
        self.mounts = opt.get("mounts", [])     # (DIR, path), read-only
        self.cpus = opt.get("cpus", 2)
        self.memory = opt.get("memory", 1024)
        self.numa = opt.get("numa", 0)          # nodes; 0: none are told of
        self.icount = opt.get("icount", False)
        self.debug = opt.get("debug", False)    # the kernel is one of debugk's
        self.slim = opt.get("slim")
        self.append = opt.get("append", "")
        self.timeout = opt.get("timeout", 300)
        self.stdin = opt.get("stdin", False)
        self.cwd = opt.get("cwd", "/root")
        self.env = opt.get("env", {})
        self.cpu = opt.get("cpu")
        self.qemu_args = opt.get("qemu_args", [])
        self.terminal = opt.get("terminal", False)  # console on our stdio
        self.dmesg = opt.get("dmesg")
        self.console = opt.get("console")
        self.tpm = opt.get("tpm", False)
        self.out = opt.get("out", sys.stdout.buffer)
        self.err = opt.get("err", sys.stderr.buffer)
        self.status = None
        self.started = False
        self.complaint = None

    # ---- what the guest gets ----

    def _initrd(self, tmp):
        path = tmp + "/initrd"
        with open(path, "wb") as f:
            f.write(images.read(self.boot_dir + "/initrd"))
            if self.icount:
                f.write(images.read(self.slim))
            a = cpio.Archive(f)
            a.file("init", images.read(images.HERE + "/init.sh"), 0o755)
            a.file("vm/guest.sh", images.read(images.HERE + "/guest.sh"), 0o755)
            # An icount guest has no 9p (its traffic is not repeatable):
            # it gets a copy of the share.
            shares = [] if self.icount else self._shares()
            settings = {"vm_shares": " ".join("%s:%s:%s" % (tag, there, mode)
                                              for tag, _, there, mode in shares),
                        "vm_disks": " ".join(
                            "/dev/vd" + c for c, _ in zip("abcd", self.disks)),
                        "vm_icount": "1" if self.icount else "",
                        "vm_debug": "1" if self.debug else "",
                        "vm_stdin": "1" if self.stdin else "",
                        "vm_cwd": self.cwd}
            a.file("vm/settings", "".join("%s=%s\n" % (k, shlex.quote(v))
                                          for k, v in settings.items()))
            lines = ["export %s=%s\n" % (k, shlex.quote(v))
                     for k, v in self.env.items()]
            lines.append("set -- %s\n" % shlex.join(self.command))
            a.file("vm/command", "".join(lines))
            if self.icount:
                for _, src, there, _ in self._shares():
                    a.dir("slim" + os.path.dirname(there))
                    a.copy(src, "slim" + there)
            a.close()
        return path

    def _shares(self):
        """(tag, directory here, path there, mode) of each."""
        out = [("share", self.share, "/mnt/share", "rw")] if self.share else []
        for n, (src, path) in enumerate(self.mounts):
            out.append(("mount%d" % n, src, path, "ro"))
        return out

    def _cmdline(self):
        # The kernel's test of the timer wants some ticks within a time that an
        # emulated CPU on a busy machine does not always keep.
        words = ["console=ttyS0,115200", "panic=-1", "rdinit=/init",
                 "random.trust_cpu=on", "net.ifnames=0", "no_timer_check"]
        if self.icount:
            words += ["nokaslr", "tsc=reliable"]
        if self.debug:
            # One report would silence all that follow.
            words += ["kasan_multi_shot", "kmemleak=on"]
        if self.append:
            words.append(self.append)
        return " ".join(words)

    def _cpu(self):
        # With five levels of page tables KASAN reports nonsense at boot
        return self.cpu or ("max,la57=off" if self.debug else "max")

    def _smp(self):
        if not self.numa:
            return ["-smp", str(self.cpus)]
        # A node is a socket: kernels complain of caches shared between nodes.
        each = self.cpus // self.numa
        argv = ["-smp", "%d,sockets=%d,cores=%d,threads=1"
                % (self.cpus, self.numa, each)]
        part = self.memory // self.numa
        for n in range(self.numa):
            size = part if n else self.memory - part * (self.numa - 1)
            argv += ["-object", "memory-backend-ram,id=node%d,size=%dM"
                     % (n, size), "-numa",
                     "node,nodeid=%d,cpus=%d-%d,memdev=node%d"
                     % (n, n * each, (n + 1) * each - 1, n)]
        return argv

    def _argv(self, tmp):
        argv = ["qemu-system-x86_64", "-machine", "q35", "-nodefaults",
                "-no-user-config", "-display", "none", "-no-reboot",
                "-m", "%dM" % self.memory,
                "-kernel", self.boot_dir + "/vmlinuz",
                "-initrd", self._initrd(tmp), "-append", self._cmdline(),
                "-chardev", "stdio,id=console,signal=off" if self.terminal
                else "file,id=console,path=%s/console" % tmp,
                "-serial", "chardev:console",
                "-device", "virtio-serial-pci,max_ports=16"]
        if self.icount:
            argv += ["-accel", "tcg", "-smp", "1", "-cpu", self.cpu or "qemu64",
                     "-icount", "shift=0,sleep=off",
                     "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
        else:
            argv += ["-accel", "tcg,thread=multi"] + self._smp()
            argv += ["-cpu", self._cpu(), "-rtc", "base=utc",
                     "-device", "virtio-rng-pci"]
            for tag, src, _, mode in self._shares():
                argv += ["-fsdev", "local,id=%s,security_model=none,"
                         "multidevs=remap,readonly=%s,path=%s"
                         % (tag, "on" if mode == "ro" else "off",
                            src.replace(",", ",,")), "-device",
                         "virtio-9p-pci,fsdev=%s,mount_tag=%s" % (tag, tag)]
            for n, disk in enumerate(self.disks):
                argv += ["-drive", "if=none,id=disk%d,format=raw,readonly=on,"
                         "file.locking=off,file=%s" % (n, disk.replace(",", ",,")),
                         "-device", "virtio-blk-pci,drive=disk%d" % n]
        if self.tpm:
            argv += ["-chardev", "socket,id=tpm,path=%s/tpm" % tmp,
                     "-tpmdev", "emulator,id=tpm,chardev=tpm",
                     "-device", "tpm-tis,tpmdev=tpm"]
        for n, p in enumerate(PORTS, 1):
            argv += ["-chardev", "socket,id=%s,path=%s/%s" % (p, tmp, p),
                     "-device", "virtserialport,nr=%d,chardev=%s,name=aivm.%s"
                     % (n, p, p)]
        return argv + self.qemu_args

    # ---- running ----

    def run(self):
        if not shutil.which("qemu-system-x86_64"):
            raise images.Error("QEMU is missing: run tools/deps test")
        # A short path: a socket's name holds 107 bytes.
        tmp = tempfile.mkdtemp(prefix="aivm-", dir="/tmp")
        try:
            return self._run(tmp)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)

    def _start_tpm(self, tmp):
        """The emulated TPM, as a process of its own, or None."""
        if not self.tpm:
            return None
        if not shutil.which("swtpm"):
            raise images.Error("swtpm is missing: run tools/deps test")
        os.mkdir(tmp + "/tpmstate")
        with open(tmp + "/swtpm.log", "wb") as log:
            tpm = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate",
                 "dir=" + tmp + "/tpmstate", "--ctrl",
                 "type=unixio,path=" + tmp + "/tpm"],
                preexec_fn=_die_with_parent, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        end = time.time() + 10
        while not os.path.exists(tmp + "/tpm"):
            if tpm.poll() is not None or time.time() > end:
                tpm.kill()
                raise images.Error("swtpm did not start: "
                                   + images.read(tmp + "/swtpm.log").decode())
            time.sleep(0.02)
        return tpm

    def _run(self, tmp):
        tpm = self._start_tpm(tmp)
        try:
            return self._run_qemu(tmp)
        finally:
            if tpm:
                tpm.kill()
                tpm.wait()

    def _run_qemu(self, tmp):
        listeners = {}
        for p in PORTS:
            s = socket.socket(socket.AF_UNIX)
            s.bind("%s/%s" % (tmp, p))
            s.listen(1)
            listeners[p] = s
        with open(tmp + "/qemu.log", "wb") as log:
            qemu = subprocess.Popen(
                self._argv(tmp), preexec_fn=_die_with_parent,
                stdin=None if self.terminal else subprocess.DEVNULL,
                stdout=None if self.terminal else log, stderr=log)
        try:
            conns = self._accept(listeners, qemu)
            if conns:
                self._relay(conns, qemu)
        finally:
            if qemu.poll() is None:
                qemu.kill()
            qemu.wait()
            for s in listeners.values():
                s.close()
            self._keep_console(tmp)
        if self.status is None:
            self._explain(tmp)
            return FAILED
        return self.status

    def _accept(self, listeners, qemu):
        conns = {}
        end = time.time() + 60
        for p, s in listeners.items():
            s.settimeout(0.2)
            while p not in conns:
                try:
                    conns[p] = s.accept()[0]
                except TimeoutError:
                    if qemu.poll() is not None or time.time() > end:
                        self.complaint = "QEMU did not start"
                        return None
        return conns

    def _relay(self, conns, qemu):
        """Move bytes until the guest reports a status or the machine ends."""
        sel = selectors.DefaultSelector()
        sinks = {"out": self.out, "err": self.err}
        dmesg = open(self.dmesg, "wb") if self.dmesg else None
        sinks["dmesg"] = dmesg
        for p in ("ctl", "out", "err", "dmesg"):
            sel.register(conns[p], selectors.EVENT_READ, p)
        if self.stdin:
            _feed(conns["in"])
        end = time.time() + self.timeout
        ctl = b""
        draining = False
        while sel.get_map():
            left = end - time.time()
            events = sel.select(0.05 if draining else max(0, min(left, 1)))
            for key, _ in events:
                data = key.fileobj.recv(65536)
                if not data:
                    sel.unregister(key.fileobj)
                elif key.data == "ctl":
                    ctl += data
                elif sinks[key.data]:
                    sinks[key.data].write(data)
                    sinks[key.data].flush()
            *lines, ctl = ctl.split(b"\n") if b"\n" in ctl else [ctl]
            for line in lines:
                self._control(line.decode(errors="replace"))
            if self.status is not None:
                # All output was taken from the guest before it reported:
                # it lies in the sockets, one pass without news empties them.
                if draining and not events:
                    break
                draining = True
            elif time.time() > end:
                self.complaint = "no end after %d s%s" % (
                    self.timeout, "" if self.started else
                    " (the command had not started)")
                break
        if dmesg:
            dmesg.close()

    def _control(self, line):
        word, _, rest = line.partition(" ")
        if word == "start":
            self.started = True
        elif word == "status":
            self.status = int(rest)
        elif word == "error":
            images.say("guest: " + rest)

    def _keep_console(self, tmp):
        if self.console and os.path.exists(tmp + "/console"):
            shutil.copy(tmp + "/console", self.console)

    def _explain(self, tmp):
        """The machine failed: keep its console and say why."""
        keep = os.path.join(images.CACHE, "failed-%d.log" % os.getpid())
        text = b""
        for name in ("/console", "/qemu.log"):
            if os.path.exists(tmp + name):
                text += images.read(tmp + name)
        with open(keep, "wb") as f:
            f.write(text)
        shown = text.decode(errors="replace")
        if self.dmesg:
            with open(self.dmesg, "a") as f:
                f.write(shown)
        reason = self.complaint
        if not reason:
            reason = ("kernel panic" if "Kernel panic" in shown else
                      "the machine ended before the command did")
        images.say("%s; console log: %s" % (reason, keep))
        for line in shown.splitlines()[-15:]:
            print("  | " + line.rstrip(), file=sys.stderr)


def _die_with_parent():
    """QEMU must not outlive a killed tools/vm; PR_SET_PDEATHSIG is 1."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _feed(conn):
    """Our standard input to the guest's, in a process of its own: it may
    block on either side for as long as it likes."""
    if os.fork():
        return
    status = 0
    try:
        while data := os.read(0, 65536):
            conn.sendall(data)
        conn.shutdown(socket.SHUT_WR)
    except OSError:
        status = 1
    os._exit(status)
