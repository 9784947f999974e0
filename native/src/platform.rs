//! Which wheels belong to this machine, and what is in them: names, sizes and SHA-256 sums.
//!
//! The sums were taken from the wheels on PyPI: six of `sherpa-onnx-core` 2.0.1, four of `livekit` 1.2.0. Every byte that is loaded from the
//! cache comes from one of them; `sherpa-onnx` is linked against the ONNX Runtime beside it (its symbols are versioned), so the two belong
//! together.

use duologue_fetch::{Bundle, Member, Platform};

/// The only version of sherpa-onnx whose struct layouts the bindings in this crate match.
pub(crate) const SHERPA_VERSION: &str = "2.0.1";
/// The version of ONNX Runtime inside that package, on every platform.
pub(crate) const ORT_VERSION: &str = "1.28.2";

/// File name of the ONNX Runtime library on this operating system.
pub(crate) const ORT_FILE: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// File name of the sherpa-onnx C library on this operating system.
pub(crate) const SHERPA_FILE: &str = if cfg!(windows) {
    "sherpa-onnx-c-api.dll"
} else if cfg!(target_os = "macos") {
    "libsherpa-onnx-c-api.dylib"
} else {
    "libsherpa-onnx-c-api.so"
};

/// ONNX Runtime and sherpa-onnx.
pub(crate) static ENGINES: Bundle = Bundle {
    package: "sherpa-onnx-core",
    version: SHERPA_VERSION,
    what: "ONNX Runtime 1.28.2 and sherpa-onnx 2.0.1",
    variable: "DUOLOGUE_NATIVES",
    platforms: &ENGINE_PLATFORMS,
};

static ENGINE_PLATFORMS: [Platform; 6] = [
    Platform {
        os: "linux",
        arch: "x86_64",
        tag: "manylinux2014_x86_64",
        wheel_sha256: "f4ee0ab91c4ae596e0e49d7de32522a946295e038a652f1c1884d89014ee4ec2",
        wheel_bytes: 10_544_878,
        members: &[
            Member {
                path: "sherpa_onnx/lib/libonnxruntime.so",
                name: "libonnxruntime.so",
                bytes: 27_026_609,
                sha256: "4b3607aebd1784b26b6f9b20e4bd974c7ab8287043e4d095cb7d2cb40b5e566e",
            },
            Member {
                path: "sherpa_onnx/lib/libsherpa-onnx-c-api.so",
                name: "libsherpa-onnx-c-api.so",
                bytes: 4_892_512,
                sha256: "250bf877faccc35d311041f7da84ad652772857be935eaa789f4c621a1d56e3e",
            },
        ],
    },
    Platform {
        os: "linux",
        arch: "aarch64",
        tag: "manylinux2014_aarch64",
        wheel_sha256: "4a855a5c89c89885111e4e9c570e5da1aed63373c031b757d8046792d95fe8fe",
        wheel_bytes: 13_257_723,
        members: &[
            Member {
                path: "sherpa_onnx/lib/libonnxruntime.so",
                name: "libonnxruntime.so",
                bytes: 34_606_912,
                sha256: "cfc800d4438f15e8d9017521326776ca7117d8783cb847ccccc2fc61ac4d540f",
            },
            Member {
                path: "sherpa_onnx/lib/libsherpa-onnx-c-api.so",
                name: "libsherpa-onnx-c-api.so",
                bytes: 4_443_416,
                sha256: "0ff5424726570888040e9e4ba2de7b145d77e298a61bb9db9f5d793af4f6f7ad",
            },
        ],
    },
    Platform {
        os: "macos",
        arch: "aarch64",
        tag: "macosx_11_0_arm64",
        wheel_sha256: "82ab505a835e616f568ba6804555969e1b5699341d2b18eb27f0083b068b61ff",
        wheel_bytes: 9_518_462,
        members: &[
            Member {
                path: "sherpa_onnx/lib/libonnxruntime.dylib",
                name: "libonnxruntime.dylib",
                bytes: 29_006_384,
                sha256: "b0613d0ae53199a83b05fa48e169211498e9d40d54beaa372068ebe5ec5b0929",
            },
            Member {
                path: "sherpa_onnx/lib/libsherpa-onnx-c-api.dylib",
                name: "libsherpa-onnx-c-api.dylib",
                bytes: 4_139_368,
                sha256: "97d6d1d646549896b2cc596a7be8f7ff7e766da5f0828d55f7b098857d497bc6",
            },
        ],
    },
    Platform {
        os: "macos",
        arch: "x86_64",
        tag: "macosx_10_15_x86_64",
        wheel_sha256: "fe43986eff8ccdfbb7fc851ee1b40e6df9869ff14da2de6b70302872e555480d",
        wheel_bytes: 10_842_438,
        members: &[
            Member {
                path: "sherpa_onnx/lib/libonnxruntime.dylib",
                name: "libonnxruntime.dylib",
                bytes: 32_315_856,
                sha256: "2bf27180c09e6fd3f407c9ab25205ebf1ff95f2d53bfa35e35409b5849e0ac70",
            },
            Member {
                path: "sherpa_onnx/lib/libsherpa-onnx-c-api.dylib",
                name: "libsherpa-onnx-c-api.dylib",
                bytes: 4_442_976,
                sha256: "66875970f5e899b82bbd68d171976c4a2efa3c6baa91db4e598c0381069cab34",
            },
        ],
    },
    Platform {
        os: "windows",
        arch: "x86_64",
        tag: "win_amd64",
        wheel_sha256: "08890e9ea23ed2f59f81d5840c63b6b5cc8674d0f6e48d9069126a848aa0e022",
        wheel_bytes: 16_663_244,
        members: &[
            Member {
                path: "sherpa_onnx/lib/onnxruntime.dll",
                name: "onnxruntime.dll",
                bytes: 17_799_168,
                sha256: "7f66f939a881baf4f46a2216496798edf4a1429878b646d12674aa62f27d8a25",
            },
            Member {
                path: "sherpa_onnx/lib/sherpa-onnx-c-api.dll",
                name: "sherpa-onnx-c-api.dll",
                bytes: 4_294_656,
                sha256: "5dd36dbd3572846b72c4a40a4017c5a770160ee8e00da5053bebc8b2632501e8",
            },
        ],
    },
    Platform {
        os: "windows",
        arch: "aarch64",
        tag: "win_arm64",
        wheel_sha256: "dcd870aa0c14539f063d286fbcbe9ca4ccbfc69d64f3314fb60d0c3f03ae2ff6",
        wheel_bytes: 16_025_137,
        members: &[
            Member {
                path: "sherpa_onnx/lib/onnxruntime.dll",
                name: "onnxruntime.dll",
                bytes: 17_635_328,
                sha256: "968d081836cad9af537105f59e34d4997bca2ce6d78ff39d3e47660620e8a642",
            },
            Member {
                path: "sherpa_onnx/lib/sherpa-onnx-c-api.dll",
                name: "sherpa-onnx-c-api.dll",
                bytes: 4_563_968,
                sha256: "62c3bafc82717aa0c55f0a2a1fb694293f68ea4c21f6fcc917f5f190109f8c4b",
            },
        ],
    },
];

/// File name of LiveKit's engine on this operating system.
#[cfg(feature = "livekit")]
pub(crate) const LIVEKIT_FILE: &str = if cfg!(windows) {
    "livekit_ffi.dll"
} else if cfg!(target_os = "macos") {
    "liblivekit_ffi.dylib"
} else {
    "liblivekit_ffi.so"
};

/// The only version of LiveKit's engine whose messages this crate knows.
#[cfg(feature = "livekit")]
pub(crate) const LIVEKIT_VERSION: &str = "0.13.2";

/// LiveKit's engine.
#[cfg(feature = "livekit")]
pub(crate) static LIVEKIT: Bundle = Bundle {
    package: "livekit",
    version: "1.2.0",
    what: "LiveKit's engine 0.13.2",
    variable: "LIVEKIT_LIB_PATH",
    platforms: &LIVEKIT_PLATFORMS,
};

#[cfg(feature = "livekit")]
static LIVEKIT_PLATFORMS: [Platform; 4] = [
    Platform {
        os: "linux",
        arch: "x86_64",
        tag: "manylinux_2_28_x86_64",
        wheel_sha256: "9eae2fbf857e0af2516eb03f5285eb5edf0ea0b1aa238268291ccb1a7e11d4d4",
        wheel_bytes: 11_865_108,
        members: &[Member {
            path: "livekit/rtc/resources/liblivekit_ffi.so",
            name: "liblivekit_ffi.so",
            bytes: 28_265_384,
            sha256: "b0e3b91dcf42b486045b6acca4863b132e3c4d114d5701b5759c7661c04ea1eb",
        }],
    },
    Platform {
        os: "linux",
        arch: "aarch64",
        tag: "manylinux_2_28_aarch64",
        wheel_sha256: "d6279a25ca7b25667908dc43fbc69374f84fa63b7fc857639483a7a3a3850070",
        wheel_bytes: 10_635_470,
        members: &[Member {
            path: "livekit/rtc/resources/liblivekit_ffi.so",
            name: "liblivekit_ffi.so",
            bytes: 22_937_048,
            sha256: "1851e0a2b740be6041e5a8bf66f419f78f0a424348b4d44d52bf2ece231ab740",
        }],
    },
    Platform {
        os: "macos",
        arch: "aarch64",
        tag: "macosx_11_0_arm64",
        wheel_sha256: "08774b3ffe04491515e7ae3bf920051a0a1d40bf7e2f74a499cf9ef444c42e1f",
        wheel_bytes: 9_332_628,
        members: &[Member {
            path: "livekit/rtc/resources/liblivekit_ffi.dylib",
            name: "liblivekit_ffi.dylib",
            bytes: 18_324_672,
            sha256: "f7ef1bb6803a43559382dc72a5447fb6743dcacdad194edd065140af85078eb4",
        }],
    },
    Platform {
        os: "windows",
        arch: "x86_64",
        tag: "win_amd64",
        wheel_sha256: "34a44cd884badb596c01d3ba99ba2d67de3d84d253bc62a1c07b4739f6b68c32",
        wheel_bytes: 11_014_780,
        members: &[Member {
            path: "livekit/rtc/resources/livekit_ffi.dll",
            name: "livekit_ffi.dll",
            bytes: 25_098_240,
            sha256: "f3456b002f2157b9cbacad5296433d71b2ba1228c1bc26c5a89c8e559e05c103",
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bundles() -> Vec<&'static Bundle> {
        vec![
            &ENGINES,
            #[cfg(feature = "livekit")]
            &LIVEKIT,
        ]
    }

    #[test]
    fn pins_name_the_files_that_this_system_loads() {
        if let Ok(platform) = ENGINES.platform() {
            assert_eq!(platform.members.iter().map(|m| m.name).collect::<Vec<_>>(), [ORT_FILE, SHERPA_FILE]);
        }
        #[cfg(feature = "livekit")]
        if let Ok(platform) = LIVEKIT.platform() {
            assert_eq!(platform.members.iter().map(|m| m.name).collect::<Vec<_>>(), [LIVEKIT_FILE]);
        }
    }

    #[test]
    fn no_pin_is_malformed() {
        for p in bundles().into_iter().flat_map(|bundle| bundle.platforms) {
            for sum in p.members.iter().map(|m| m.sha256).chain([p.wheel_sha256]) {
                assert_eq!(sum.len(), 64, "{}", p.tag);
                assert!(sum.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()), "{}", p.tag);
            }
            assert!(p.members.iter().all(|m| m.path.ends_with(m.name)), "{}", p.tag);
        }
    }
}
