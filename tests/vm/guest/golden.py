# SPDX-License-Identifier: LGPL-2.1-or-later
"""Golden outputs: what a model must give, to the bit or to a stated tolerance.

Used by the guest program "golden" and by whoever else compares outputs.
"""
import array
import json
import os
import struct

# Recurrent networks and dynamic-range quantisation come later. Until then
# `convert` must name what it lacks.
LATER = {
    "mnist_lstm_f32": "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "mnist_lstm_int8": "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "keyword_svdf_int8": "SVDF",
    "kws_dscnn_hybrid": "CONV_2D",
}

# Float: |got - want| <= ATOL + RTOL * |want|. The autoencoder's inputs and sums
# reach hundreds, so its rounding errors do too (its README has the peers').
ATOL, RTOL = 1e-5, 1e-4
ATOL_OF = {"ad_fc_ae_f32": 5e-3}

SIZES = {"FLOAT32": 4, "INT8": 1, "UINT8": 1, "INT16": 2, "INT32": 4}


class Model:
    def __init__(self, entry, home):
        self.name = entry["name"]
        self.dir = os.path.join(home, self.name)
        self.macs = entry.get("macs") or 0
        self.tflite = os.path.join(self.dir, "model.tflite")
        self.sample_in = self._bytes(entry["inputs"])
        self.sample_out = self._bytes(entry["outputs"])
        self.is_float = entry["outputs"][0]["type"] == "FLOAT32"

    @staticmethod
    def _bytes(tensors):
        total = 0
        for t in tensors:
            n = SIZES[t["type"]]
            for d in t["shape"]:
                n *= d
            total += n
        return total

    def path(self, name):
        return os.path.join(self.dir, name)

    def sets(self):
        """Names of the sets of samples: "" real ones, "_noise" patterns."""
        return [s for s in ("", "_noise")
                if os.path.exists(self.path("inputs%s.bin" % s))]

    def samples(self, which):
        return os.path.getsize(self.path("inputs%s.bin" % which)) // self.sample_in

    def layers(self):
        """[(op, tensor, type, bytes)] of the dump of sample 0, or None."""
        path = self.path("layers_sample0.bin")
        if not os.path.exists(path):
            return None
        out = []
        with open(path, "rb") as f:
            while head := f.read(16):
                op, tensor, kind, n = struct.unpack("<4i", head)
                out.append((op, tensor, kind, f.read(n)))
        return out

    def compare(self, got, want):
        """None, or how the outputs differ."""
        if len(got) != len(want):
            return "%d bytes of output, expected %d" % (len(got), len(want))
        if got == want:
            return None
        return self._float(got, want) if self.is_float else self._bits(got, want)

    def _bits(self, got, want):
        bad = [i for i in range(len(want)) if got[i] != want[i]]
        return "%d of %d bytes differ, the first at %d (sample %d): %d, expected %d" % (
            len(bad), len(want), bad[0], bad[0] // self.sample_out,
            got[bad[0]], want[bad[0]])

    def _float(self, got, want):
        g, w = array.array("f", got), array.array("f", want)
        atol = ATOL_OF.get(self.name, ATOL)
        for i in range(len(w)):
            if not abs(g[i] - w[i]) <= atol + RTOL * abs(w[i]):
                return "element %d is %r, expected %r" % (i, g[i], w[i])
        return None


def models(home):
    """All models with a TFLite file, smallest first."""
    with open(os.path.join(home, "manifest.json")) as f:
        entries = json.load(f)
    found = [Model(e, home) for e in entries if "model.tflite" in e["files"]]
    return sorted(found, key=lambda m: m.macs)


def read(path):
    with open(path, "rb") as f:
        return f.read()
