#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's part of `make demo`: trust a key, then for each network convert,
sign, run, compare; print a table."""
import array
import glob
import json
import os
import platform
import subprocess
import sys
import time

MODELS = "/mnt/models"
KEY, CERT = "/mnt/keys/demo.key", "/mnt/keys/demo.pem"
# Recurrent networks and the hybrid scheme come later. `model convert` names
# what it lacks; whatever else it refuses is a failure.
LATER = {"mnist_lstm_f32", "mnist_lstm_int8", "keyword_svdf_int8",
         "kws_dscnn_hybrid"}
# float32 is compared with a tolerance, the same as in tests/unit/test_golden.c:
# sums are made in another order. The autoencoder's are large, of both signs.
TOLERANCES = {"ad_fc_ae_f32": (4e-3, 5e-4)}
TOLERANCE = (1e-5, 1e-4)
CODES = {"int8": "b", "uint8": "B", "int16": "h", "int32": "i", "float32": "f"}
ROW = "%-29s %4s %8s  %-22s %-12s %12s"


def aioffload(*args):
    return subprocess.run(["aioffload", *args], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def compare(want, got, code, tolerance):
    """(equal, words)"""
    if len(want) != len(got):
        return False, "%d bytes, not %d" % (len(got), len(want))
    if code != "f":
        wrong = sum(a != b for a, b in zip(want, got)) if want != got else 0
        return not wrong, ("NO: %d bytes differ" % wrong if wrong else
                           "yes, byte for byte")
    worst, bad = 0.0, 0
    for a, b in zip(array.array("f", want), array.array("f", got)):
        error = abs(a - b)
        worst = max(worst, error)
        # "not <=" rather than ">": NaN must count as wrong
        bad += not error <= tolerance[0] + tolerance[1] * abs(a)
    return not bad, "%s within %.1e" % ("NO: %d not" % bad if bad else "yes,",
                                        worst)


def accuracy(path, outputs, code, samples):
    """Correct answers, where labels are classes and outputs are scores."""
    if not os.path.exists(path):
        return "-"
    labels = read(path).decode().split()
    values = array.array(code, outputs)
    if len(labels) != samples or not all(x.isdigit() for x in labels):
        return "-"
    classes = len(values) // samples
    right = 0
    for n, label in enumerate(labels):
        scores = values[n * classes:(n + 1) * classes]
        right += scores.index(max(scores)) == int(label)
    return "%d/%d" % (right, samples)


def duration(ns):
    for limit, unit, scale in ((1e3, "ns", 1), (1e6, "us", 1e3),
                               (1e9, "ms", 1e6)):
        if ns < limit:
            return "%.3g %s" % (ns / scale, unit)
    return "%.3g s" % (ns / 1e9)


def run_model(folder):
    """True, or False if something was not as it must be."""
    name = os.path.basename(folder)
    aim, out = "/tmp/model.aim", "/tmp/outputs.bin"
    result = aioffload("model", "convert", folder + "/model.tflite", "-o", aim)
    if result.returncode:
        print(ROW % (name, "-", "-", "NO: not converted", "-", "-"))
        print("    " + result.stderr.strip())
        return False
    info = json.loads(aioffload("model", "info", "--json", aim).stdout)
    result = aioffload("model", "sign", aim, "--key", KEY, "--name", name)
    if result.returncode:
        print(ROW % (name, info["operator_count"], "-", "NO: not signed", "-", "-"))
        print("    " + result.stderr.strip())
        return False
    result = aioffload("run", aim, "--input", folder + "/inputs.bin",
                       "--output", out, "--json")
    if result.returncode:
        print(ROW % (name, info["operator_count"], "-", "NO: run failed", "-", "-"))
        print("    " + result.stderr.strip())
        return False
    report = json.loads(result.stdout)
    code = CODES[info["outputs"][0]["type"].lower()]
    got = read(out)
    equal, words = compare(read(folder + "/outputs.bin"), got, code,
                           TOLERANCES.get(name, TOLERANCE))
    print(ROW % (name, info["operator_count"], report["samples"], words,
                 accuracy(folder + "/labels.txt", got, code,
                          report["samples"]),
                 duration(report["latency_ns"]["median"])), flush=True)
    return equal


def refused(folder):
    """What a later version brings: the converter must name it."""
    result = aioffload("model", "convert", folder + "/model.tflite",
                       "-o", "/tmp/model.aim")
    text = result.stderr.strip().splitlines()
    print("  %-27s %s" % (os.path.basename(folder),
                          text[-1] if text else "converted after all"))


def trust():
    """What has to be done once on a machine that is to run signed models."""
    result = aioffload("model", "trust", CERT)
    print("$ aioffload model trust %s\n%s" % (CERT, result.stdout +
                                              result.stderr))
    result = aioffload("policy")
    if not result.returncode:
        print("$ aioffload policy\n" + result.stdout)


def main():
    start = time.time()
    folders = sorted(os.path.dirname(p) for p in
                     glob.glob(MODELS + "/*/model.tflite"))
    if sys.argv[1:]:
        folders = [f for f in folders if os.path.basename(f) in sys.argv[1:]]
    print("Linux %s, stock, %s" % (platform.release(), platform.version()))
    subprocess.run(["modprobe", "aioffload"], check=True)
    print(aioffload("devices").stdout)
    trust()
    print(ROW % ("model", "ops", "samples", "equal to reference", "accuracy",
                 "median/run"))
    now = [f for f in folders if os.path.basename(f) not in LATER]
    good = sum([run_model(f) for f in now])
    later = [f for f in folders if os.path.basename(f) in LATER]
    if later:
        print("\nNot yet:")
        for f in later:
            refused(f)
    print("\n%d of %d networks equal to the reference, in %d s. Latency is "
          "that of an emulated CPU\n(QEMU TCG): docs/benchmarks has figures "
          "of real ones." % (good, len(now), time.time() - start))
    return 0 if now and good == len(now) else 1


if __name__ == "__main__":
    sys.exit(main())
