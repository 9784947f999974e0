"""flite through its C library: speech together with its phones and their times. Used to teach the voice."""

import ctypes
from dataclasses import dataclass
from functools import cache

import numpy as np

for _name in ("libflite.so.1", "libflite_cmulex.so.1", "libflite_usenglish.so.1"):
    ctypes.CDLL(_name, mode=ctypes.RTLD_GLOBAL)
_LIBRARY = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
_POINTER = ctypes.c_void_p


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("rate", ctypes.c_int),
        ("count", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


def _function(name: str, result, *arguments):
    function = getattr(_LIBRARY, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


_synthesize = _function("flite_synth_text", _POINTER, ctypes.c_char_p, _POINTER)
_wave = _function("utt_wave", ctypes.POINTER(_Wave), _POINTER)
_relation = _function("utt_relation", _POINTER, _POINTER, ctypes.c_char_p)
_head = _function("relation_head", _POINTER, _POINTER)
_next = _function("item_next", _POINTER, _POINTER)
_string = _function("ffeature_string", ctypes.c_char_p, _POINTER, ctypes.c_char_p)
_float = _function("ffeature_float", ctypes.c_float, _POINTER, ctypes.c_char_p)
_item = _function("path_to_item", _POINTER, _POINTER, ctypes.c_char_p)
_delete = _function("delete_utterance", None, _POINTER)
_function("flite_init", ctypes.c_int)()

WORD = b"R:SylStructure.parent.parent"


@dataclass(frozen=True)
class Phone:
    name: str
    stressed: bool
    end: float
    """Seconds from the start of the utterance."""
    word: int
    """Identity of the word it belongs to; 0 for a pause."""
    text: str
    """The word."""


@cache
def voice(name: str):
    library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
    register = getattr(library, f"register_cmu_us_{name}")
    register.restype, register.argtypes = _POINTER, [_POINTER]
    return register(None)


def say(text: str, name: str) -> tuple[np.ndarray, list[Phone]]:
    """16 kHz int16 samples and the phones, of flite's voice `name` (slt, rms, awb)."""
    utterance = _synthesize(text.encode(), voice(name))
    wave = _wave(utterance).contents
    assert wave.rate == 16_000, f"flite's voice {name} speaks at {wave.rate} Hz"
    samples = np.ctypeslib.as_array(wave.samples, (wave.count,)).copy()
    phones, item = [], _head(_relation(utterance, b"Segment"))
    while item:
        stressed = _string(item, b"R:SylStructure.parent.stress") == b"1"
        end, word = float(_float(item, b"end")), _item(item, WORD) or 0
        text_of_word = _string(item, WORD + b".name").decode()
        phones.append(Phone(_string(item, b"name").decode(), stressed, end, word, text_of_word))
        item = _next(item)
    _delete(utterance)
    return samples, phones
