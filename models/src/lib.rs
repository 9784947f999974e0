//! Speech models: STT, TTS and turn detection traits, sherpa-onnx, Kokoro, text and phonemes, registry, built-ins
#![forbid(unsafe_code)]
