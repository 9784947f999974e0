//! What this processor offers that the libraries use, for reports such as `duologue doctor`.
//!
//! There is nothing to refuse: ONNX Runtime chooses its kernels when it starts, and the wheel's x86-64 libraries run on SSE2 alone, which every
//! x86-64 processor has (measured with `qemu-x86_64 -cpu qemu64,-sse3,-ssse3,-sse4.1,-sse4.2,-popcnt` on this crate's tests: Silero in `f32`,
//! zipformers in `int8`; the same emulator refuses AVX code). What is missing costs speed only.

/// Instruction sets that make inference faster and that this processor has, such as `avx2`; slowest first.
pub fn features() -> Vec<&'static str> {
    let mut found = Vec::new();
    macro_rules! look {
        ($detect:ident: $($name:tt),*) => { $(if std::arch::$detect!($name) { found.push($name); })* };
    }
    #[cfg(target_arch = "x86_64")]
    look!(is_x86_feature_detected: "sse4.1", "avx", "fma", "avx2", "avxvnni", "avx512f", "avx512vnni");
    #[cfg(target_arch = "aarch64")]
    look!(is_aarch64_feature_detected: "neon", "dotprod", "fp16", "i8mm", "bf16");
    found
}
