"""Writes ../manifest.toml: path, SHA-256, size and role of every shipped file. `python manifest.py`"""

import hashlib

from paths import BUILTIN

ROLES = {
    "stt/model.int8.onnx": "recogniser: sherpa-onnx streaming NeMo-CTC model",
    "stt/tokens.txt": "recogniser: its words",
    "tts/model.onnx": "voice: Kokoro's signature, vocoder included",
    "tts/voices.bin": "voice: style tables (deflated npz of f32 [510, 1, 256])",
    "tts/tokens.txt": "voice: Kokoro's phoneme symbols",
    "caller/caller.toml": "demo caller: its lines",
}


def main() -> None:
    clips = {f"caller/{path.name}": "demo caller: a line" for path in sorted((BUILTIN / "caller").glob("*.wav"))}
    with open(BUILTIN / "manifest.toml", "w") as out:
        out.write("# The files of the built-ins; written by train/manifest.py.\n")
        for name, role in (ROLES | clips).items():
            data = (BUILTIN / name).read_bytes()
            out.write(f'\n[[file]]\nfile = "{name}"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n')
            out.write(f'bytes = {len(data)}\nrole = "{role}"\n')


if __name__ == "__main__":
    main()
