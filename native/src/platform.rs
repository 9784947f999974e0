//! Which wheel belongs to this machine, and what is in it: names, sizes and SHA-256 sums.
//!
//! The sums were taken from the six wheels of `sherpa-onnx-core` 2.0.1 on PyPI. Every byte that is loaded from the cache comes from one of
//! them; `sherpa-onnx` is linked against the ONNX Runtime beside it (its symbols are versioned), so the two belong together.

use crate::error::{Error, ErrorKind, Result};

/// The package that holds both libraries.
pub(crate) const PACKAGE: &str = "sherpa-onnx-core";
/// The only version of sherpa-onnx whose struct layouts the bindings in this crate match.
pub(crate) const SHERPA_VERSION: &str = "2.0.1";
/// The version of ONNX Runtime inside that package, on every platform.
pub(crate) const ORT_VERSION: &str = "1.28.2";

/// One file inside a wheel.
#[derive(Debug)]
pub(crate) struct Member {
    /// Path inside the wheel.
    pub path: &'static str,
    /// File name on disk.
    pub name: &'static str,
    pub bytes: u64,
    pub sha256: &'static str,
}

/// The wheel of one platform.
#[derive(Debug)]
pub(crate) struct Platform {
    /// Value of Rust's `std::env::consts::{OS, ARCH}`.
    os: &'static str,
    arch: &'static str,
    /// The platform tag of the wheel, as `pip download --platform` takes it.
    pub tag: &'static str,
    pub wheel_sha256: &'static str,
    pub wheel_bytes: u64,
    pub ort: Member,
    pub sherpa: Member,
}

impl Platform {
    /// The platform this program was built for.
    pub(crate) fn current() -> Result<&'static Self> {
        let musl = cfg!(target_env = "musl");
        let found = PLATFORMS
            .iter()
            .find(|p| p.os == std::env::consts::OS && p.arch == std::env::consts::ARCH && !musl);
        found.ok_or_else(|| {
            let libc = if musl { " (musl)" } else { "" };
            Error::new(
                ErrorKind::UnsupportedPlatform,
                format!(
                    "no prebuilt {PACKAGE} {SHERPA_VERSION} for {}-{}{libc}; build sherpa-onnx {SHERPA_VERSION} and ONNX Runtime {ORT_VERSION} \
                     and set DUOLOGUE_NATIVES to the directory that holds both libraries",
                    std::env::consts::OS,
                    std::env::consts::ARCH
                ),
            )
        })
    }
}

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

static PLATFORMS: [Platform; 6] = [
    Platform {
        os: "linux",
        arch: "x86_64",
        tag: "manylinux2014_x86_64",
        wheel_sha256: "f4ee0ab91c4ae596e0e49d7de32522a946295e038a652f1c1884d89014ee4ec2",
        wheel_bytes: 10_544_878,
        ort: Member {
            path: "sherpa_onnx/lib/libonnxruntime.so",
            name: "libonnxruntime.so",
            bytes: 27_026_609,
            sha256: "4b3607aebd1784b26b6f9b20e4bd974c7ab8287043e4d095cb7d2cb40b5e566e",
        },
        sherpa: Member {
            path: "sherpa_onnx/lib/libsherpa-onnx-c-api.so",
            name: "libsherpa-onnx-c-api.so",
            bytes: 4_892_512,
            sha256: "250bf877faccc35d311041f7da84ad652772857be935eaa789f4c621a1d56e3e",
        },
    },
    Platform {
        os: "linux",
        arch: "aarch64",
        tag: "manylinux2014_aarch64",
        wheel_sha256: "4a855a5c89c89885111e4e9c570e5da1aed63373c031b757d8046792d95fe8fe",
        wheel_bytes: 13_257_723,
        ort: Member {
            path: "sherpa_onnx/lib/libonnxruntime.so",
            name: "libonnxruntime.so",
            bytes: 34_606_912,
            sha256: "cfc800d4438f15e8d9017521326776ca7117d8783cb847ccccc2fc61ac4d540f",
        },
        sherpa: Member {
            path: "sherpa_onnx/lib/libsherpa-onnx-c-api.so",
            name: "libsherpa-onnx-c-api.so",
            bytes: 4_443_416,
            sha256: "0ff5424726570888040e9e4ba2de7b145d77e298a61bb9db9f5d793af4f6f7ad",
        },
    },
    Platform {
        os: "macos",
        arch: "aarch64",
        tag: "macosx_11_0_arm64",
        wheel_sha256: "82ab505a835e616f568ba6804555969e1b5699341d2b18eb27f0083b068b61ff",
        wheel_bytes: 9_518_462,
        ort: Member {
            path: "sherpa_onnx/lib/libonnxruntime.dylib",
            name: "libonnxruntime.dylib",
            bytes: 29_006_384,
            sha256: "b0613d0ae53199a83b05fa48e169211498e9d40d54beaa372068ebe5ec5b0929",
        },
        sherpa: Member {
            path: "sherpa_onnx/lib/libsherpa-onnx-c-api.dylib",
            name: "libsherpa-onnx-c-api.dylib",
            bytes: 4_139_368,
            sha256: "97d6d1d646549896b2cc596a7be8f7ff7e766da5f0828d55f7b098857d497bc6",
        },
    },
    Platform {
        os: "macos",
        arch: "x86_64",
        tag: "macosx_10_15_x86_64",
        wheel_sha256: "fe43986eff8ccdfbb7fc851ee1b40e6df9869ff14da2de6b70302872e555480d",
        wheel_bytes: 10_842_438,
        ort: Member {
            path: "sherpa_onnx/lib/libonnxruntime.dylib",
            name: "libonnxruntime.dylib",
            bytes: 32_315_856,
            sha256: "2bf27180c09e6fd3f407c9ab25205ebf1ff95f2d53bfa35e35409b5849e0ac70",
        },
        sherpa: Member {
            path: "sherpa_onnx/lib/libsherpa-onnx-c-api.dylib",
            name: "libsherpa-onnx-c-api.dylib",
            bytes: 4_442_976,
            sha256: "66875970f5e899b82bbd68d171976c4a2efa3c6baa91db4e598c0381069cab34",
        },
    },
    Platform {
        os: "windows",
        arch: "x86_64",
        tag: "win_amd64",
        wheel_sha256: "08890e9ea23ed2f59f81d5840c63b6b5cc8674d0f6e48d9069126a848aa0e022",
        wheel_bytes: 16_663_244,
        ort: Member {
            path: "sherpa_onnx/lib/onnxruntime.dll",
            name: "onnxruntime.dll",
            bytes: 17_799_168,
            sha256: "7f66f939a881baf4f46a2216496798edf4a1429878b646d12674aa62f27d8a25",
        },
        sherpa: Member {
            path: "sherpa_onnx/lib/sherpa-onnx-c-api.dll",
            name: "sherpa-onnx-c-api.dll",
            bytes: 4_294_656,
            sha256: "5dd36dbd3572846b72c4a40a4017c5a770160ee8e00da5053bebc8b2632501e8",
        },
    },
    Platform {
        os: "windows",
        arch: "aarch64",
        tag: "win_arm64",
        wheel_sha256: "dcd870aa0c14539f063d286fbcbe9ca4ccbfc69d64f3314fb60d0c3f03ae2ff6",
        wheel_bytes: 16_025_137,
        ort: Member {
            path: "sherpa_onnx/lib/onnxruntime.dll",
            name: "onnxruntime.dll",
            bytes: 17_635_328,
            sha256: "968d081836cad9af537105f59e34d4997bca2ce6d78ff39d3e47660620e8a642",
        },
        sherpa: Member {
            path: "sherpa_onnx/lib/sherpa-onnx-c-api.dll",
            name: "sherpa-onnx-c-api.dll",
            bytes: 4_563_968,
            sha256: "62c3bafc82717aa0c55f0a2a1fb694293f68ea4c21f6fcc917f5f190109f8c4b",
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_name_the_files_that_this_system_loads() {
        let Ok(platform) = Platform::current() else { return };
        assert_eq!(platform.ort.name, ORT_FILE);
        assert_eq!(platform.sherpa.name, SHERPA_FILE);
    }

    #[test]
    fn no_pin_is_malformed() {
        for p in &PLATFORMS {
            for sum in [p.wheel_sha256, p.ort.sha256, p.sherpa.sha256] {
                assert_eq!(sum.len(), 64, "{}", p.tag);
                assert!(sum.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()), "{}", p.tag);
            }
            assert!(p.ort.path.ends_with(p.ort.name) && p.sherpa.path.ends_with(p.sherpa.name), "{}", p.tag);
        }
    }
}
