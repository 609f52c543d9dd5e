# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/vm keeps its word: output, status, share, time-outs, two at once."""
import os
import re
import subprocess

from vmlib.complaints import emulator_failed
from tree import TOP, run


def test_output_and_status(vm):
    result = vm("sh", "-c", "echo out; echo err >&2; exit 7")
    assert result.stdout == "out\n"
    assert result.stderr == "err\n"
    assert result.returncode == 7


def test_signal_and_unknown_command(vm, tmp_path):
    (tmp_path / "both").write_text(
        "sh -c 'kill -9 $$'; echo $?; nosuchcommand; echo $?\n")
    result = vm("sh", "/mnt/share/both", options=["--share", str(tmp_path)])
    assert result.stdout.split() == ["137", "127"]
    assert vm("sh", "-c", "kill -9 $$").returncode == 137


def test_share_stdin_environment_and_dmesg(tmp_path):
    log = tmp_path / "dmesg"
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "in").write_text("from here\n")
    data = "".join("%d\n" % n for n in range(200000))
    result = subprocess.run(
        [TOP + "/tools/vm", "run", "--kernel", "6.1", "--stdin",
         "--share", str(tmp_path / "share"), "--env", "WORD=a b",
         "--dmesg", str(log), "--cwd", "/tmp", "--", "sh", "-c",
         "cat /mnt/share/in; echo \"$WORD\"; pwd; cat >/mnt/share/out;"
         "echo marker >/dev/kmsg"],
        input=data, stdout=subprocess.PIPE, text=True, timeout=300)
    assert result.stdout == "from here\na b\n/tmp\n"
    assert (tmp_path / "share" / "out").read_text() == data
    assert "marker" in log.read_text()


def test_panic_is_a_failure_of_the_machine(vm):
    result = vm("sh", "-c", "echo before; echo c >/proc/sysrq-trigger")
    assert result.returncode == 125
    assert result.stdout == "before\n"
    assert "kernel panic" in result.stderr


def test_time_out(vm):
    result = vm("sleep", "1000", options=["--timeout", "40"])
    assert result.returncode == 125
    assert "no end after 40 s" in result.stderr


def test_two_at_once_share_nothing(tmp_path):
    argv = [TOP + "/tools/vm", "run", "--kernel", "6.1", "--", "sh", "-c"]
    script = "echo %d >/etc/mark; sleep 3; cat /etc/mark"
    both = [subprocess.Popen(argv + [script % n], stdout=subprocess.PIPE,
                             text=True) for n in (1, 2)]
    assert [p.communicate(timeout=300)[0] for p in both] == ["1\n", "2\n"]


def test_icount_repeats():
    """The clock counts instructions: two runs read the same."""
    argv = [TOP + "/tools/vm", "run", "--kernel", "6.1", "--icount", "--",
            "sh", "-c", "modprobe aioffload && cat /proc/uptime "
            "&& ls /dev/aioffload"]
    first, second = run(argv), run(argv)
    assert first.returncode == 0, first.stderr
    assert re.match(r"\d+\.\d+ .*\n/dev/aioffload\n$", first.stdout)
    assert first.stdout == second.stdout


def test_packages_as_installed(vm):
    """modprobe brings the CPU device, udev the group and the mode; a member
    of the group may use it, another user is told what to do."""
    result = vm("sh", "-c", "modprobe aioffload && stat -c '%G %a' "
                "/dev/aioffload /dev/aioffload0; su user -c 'aioffload devices'"
                "; usermod -aG aioffload user; su user -c 'aioffload devices'")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("aioffload 660\naioffload 660\n")
    assert "EACCES" in result.stderr and "usermod -aG aioffload" in result.stderr
    assert "aioffload0" in result.stdout.split("660\n")[-1]


def test_unknown_kernel_and_missing_command():
    result = run([TOP + "/tools/vm", "run", "--kernel", "5.10", "--", "true"])
    assert result.returncode == 2 and "6.12" in result.stderr
    assert run([TOP + "/tools/vm", "run", "--kernel", "6.1"]).returncode == 2


def test_demo_without_shared():
    """As on a user's machine: the two networks of tests/data."""
    result = run([TOP + "/tools/demo"],
                 env=dict(os.environ, AIOFFLOAD_SHARED="/nonexistent"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "micro_speech_int8" in result.stdout
    assert "person_detect_int8" in result.stdout
    assert "2 of 2 networks equal" in result.stdout


def test_only_an_int3_in_the_kernels_own_text_is_the_emulators():
    oops = ("[ 28.9] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n"
            "[ 28.9] RIP: 0010:%s\n[ 28.9] Call Trace:\n"
            "[ 28.9] RIP: 0033:0x7f\n")
    assert emulator_failed(oops % "__schedule+0x99/0xbe0")
    assert not emulator_failed(oops % "digest_hash+0x9/0xbe [aioffload]")
    assert not emulator_failed(
        "Oops: 0000 [#1]\nRIP: 0010:__schedule+0x99/0xbe0\n")
    # What was found before the emulator's turn stays found
    assert not emulator_failed("[ 20.0] BUG: KASAN: use-after-free in f\n"
                               + oops % "__schedule+0x99/0xbe0")
    assert not emulator_failed("")
