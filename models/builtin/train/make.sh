#!/usr/bin/env bash
# Makes the built-ins from nothing: speech, models, the caller's lines, the manifest. See ../README.md for what it needs.
# Training takes hours on two cores; STT_STEPS and TTS_STEPS default to what the shipped files were trained with.
set -euo pipefail
cd "$(dirname "$0")"
STT_STEPS=${STT_STEPS:-@STT@}
TTS_STEPS=${TTS_STEPS:-@TTS@}
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1 # large pages: a third less time per training step

python3 -m venv work/venv
work/venv/bin/pip install -q -r requirements.txt
export PATH="$PWD/work/venv/bin:$PATH"

python stt_corpus.py
python features.py train 1
python stt_train.py --steps "$STT_STEPS" --resume
python stt_export.py ../stt

python tts_corpus.py slt 1500
python tts_corpus.py rms 1100
python tts_train.py --steps "$TTS_STEPS" --resume
python tts_export.py ../tts

python caller.py
python manifest.py
python stt_evaluate.py
python stt_latency.py
python tts_evaluate.py --spectrogram work/voice.png
