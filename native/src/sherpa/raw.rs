//! Small helpers at the border to C.

use std::{
    ffi::{CStr, CString, c_char},
    path::Path,
};

use crate::error::{Error, ErrorKind, Result};

/// Keeps strings alive while C reads a configuration that points to them.
#[derive(Default)]
pub(super) struct Strings(Vec<CString>);

impl Strings {
    /// A pointer to a copy of `text`, valid as long as `self`.
    pub(super) fn text(&mut self, text: &str) -> Result<*const c_char> {
        let text = CString::new(text).map_err(|_| Error::argument(format!("{text:?} holds a zero byte")))?;
        let pointer = text.as_ptr();
        self.0.push(text);
        Ok(pointer)
    }

    /// A pointer to a path as sherpa-onnx takes it: bytes on Unix, UTF-8 on Windows.
    pub(super) fn path(&mut self, path: &Path) -> Result<*const c_char> {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let text = CString::new(path.as_os_str().as_bytes())
                .map_err(|_| Error::argument(format!("{} holds a zero byte", path.display())))?;
            let pointer = text.as_ptr();
            self.0.push(text);
            Ok(pointer)
        }
        #[cfg(not(unix))]
        {
            let text = path.to_str().ok_or_else(|| {
                Error::argument(format!("{} is no Unicode; move the model", path.display()))
            })?;
            self.text(text)
        }
    }
}

/// # Safety
/// `string` is null or ends in a zero byte.
pub(super) unsafe fn copy_text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: not null, and by the caller's promise terminated.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// # Safety
/// `strings` is null or points to `count` strings as [`copy_text`] takes them.
pub(super) unsafe fn copy_texts(strings: *const *const c_char, count: i32) -> Vec<String> {
    // SAFETY: by the caller's promise.
    unsafe { slice(strings, count) }.iter().map(|&string| unsafe { copy_text(string) }).collect()
}

/// # Safety
/// `data` is null or points to `count` elements that live as long as the result is used.
pub(super) unsafe fn slice<'a, T>(data: *const T, count: i32) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: by the caller's promise.
        Ok(count) if count > 0 && !data.is_null() => unsafe { std::slice::from_raw_parts(data, count) },
        _ => &[],
    }
}

/// The length of audio as C takes it.
pub(super) fn length(samples: &[f32]) -> Result<i32> {
    i32::try_from(samples.len()).map_err(|_| Error::argument("more than 2^31 samples at once"))
}

/// What to say when sherpa-onnx returns nothing although the files passed every check.
pub(super) fn refused(what: &str, file: &Path) -> Error {
    Error::new(
        ErrorKind::ModelInvalid,
        format!(
            "sherpa-onnx refused the {what} {}; standard error says why, pull the model again",
            file.display()
        ),
    )
}
