#!/usr/bin/env bash
# Makes the built-ins from nothing: speech, models, the caller's lines, the manifest. See ../README.md for what it needs.
# Training takes an hour or two on two idle cores. The steps default to what the shipped files were trained with; more would help.
set -euo pipefail
cd "$(dirname "$0")"
STT_STEPS=${STT_STEPS:-14000}
TTS_STEPS=${TTS_STEPS:-3200}
BLANK_BIAS=-1 # chosen on the dev set: stt_evaluate.py --quick
export XLA_FLAGS=--xla_cpu_multi_thread_eigen=false
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1 # large pages: a third less time per training step

python3 -m venv work/venv
work/venv/bin/pip install -q -r requirements.txt
export PATH="$PWD/work/venv/bin:$PATH"

python stt_corpus.py
python features.py train 1
# First with the auxiliary phone loss and strong augmentation, stopped while the learning rate is still high; then on words alone and
# with mild augmentation. The first schedule's end is never reached.
python stt_train.py --steps "$STT_STEPS" --until $((STT_STEPS * 7 / 10)) --resume
python stt_train.py --steps "$STT_STEPS" --phone-weight 0 --strength 0.35 --rate 4e-3 --resume
python stt_export.py ../stt --blank-bias "$BLANK_BIAS"

python tts_corpus.py slt 1500
python tts_corpus.py rms 1100
python tts_train.py --steps "$TTS_STEPS" --resume
python tts_export.py ../tts

python caller.py
python manifest.py
python stt_evaluate.py
python stt_latency.py
python tts_evaluate.py --spectrogram work/voice.png
