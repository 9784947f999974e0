//! The C functions of the engine, and the two that tell its version.

use std::ffi::c_char;

use libloading::Library;

use crate::error::{Error, ErrorKind};

pub(super) type Callback = unsafe extern "C" fn(*const u8, usize);

type Initialize = unsafe extern "C" fn(Callback, bool, *const c_char, *const c_char);
type Request = unsafe extern "C" fn(*const u8, usize, *mut *const u8, *mut usize) -> u64;
type DropHandle = unsafe extern "C" fn(u64) -> bool;

/// The functions that are called; they live as long as the library, which is never closed.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    pub initialize: Initialize,
    pub request: Request,
    pub drop_handle: DropHandle,
}

impl Functions {
    /// # Safety
    /// `library` is the engine of the pinned version and stays open.
    pub(super) unsafe fn from_library(library: &Library) -> Result<Self, libloading::Error> {
        // SAFETY: in that version the functions have these signatures (`livekit_ffi.h` and its source).
        unsafe {
            Ok(Self {
                initialize: *library.get::<Initialize>(b"livekit_ffi_initialize")?,
                request: *library.get::<Request>(b"livekit_ffi_request")?,
                drop_handle: *library.get::<DropHandle>(b"livekit_ffi_drop_handle")?,
            })
        }
    }
}

/// A byte buffer of UniFFI, the generator of the engine's other interface.
#[repr(C)]
struct Buffer {
    capacity: u64,
    len: u64,
    data: *mut u8,
}

impl Buffer {
    const fn empty() -> Self {
        Self { capacity: 0, len: 0, data: std::ptr::null_mut() }
    }
}

/// How a call of UniFFI went; 0 is well.
#[repr(C)]
struct CallStatus {
    code: i8,
    error: Buffer,
}

/// The calling convention of UniFFI that [`Buffer`] and [`CallStatus`] follow.
const CONTRACT: u32 = 30;

/// What the library says its version is.
pub(super) fn version(library: &Library) -> Result<String, Box<dyn std::error::Error>> {
    type Contract = unsafe extern "C" fn() -> u32;
    type Version = unsafe extern "C" fn(*mut CallStatus) -> Buffer;
    type Free = unsafe extern "C" fn(Buffer, *mut CallStatus);
    // SAFETY: UniFFI promises this signature for the first function in all its versions; it tells whether the others have the ones below.
    let contract = unsafe { library.get::<Contract>(b"ffi_livekit_ffi_uniffi_contract_version")?() };
    if contract != CONTRACT {
        return Err(format!("its interface is of version {contract}, not {CONTRACT}").into());
    }
    let mut status = CallStatus { code: 0, error: Buffer::empty() };
    // SAFETY: the contract fixes the signatures; `status` outlives the call.
    let buffer =
        unsafe { library.get::<Version>(b"uniffi_livekit_ffi_fn_func_build_version")?(&raw mut status) };
    if status.code != 0 || buffer.data.is_null() {
        return Err(Box::new(Error::new(ErrorKind::Runtime, "it does not tell its version")));
    }
    let len = usize::try_from(buffer.len)?;
    // SAFETY: the library gave `len` bytes at `data`, which are ours until freed below.
    let text = String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(buffer.data, len) }).into_owned();
    let mut status = CallStatus { code: 0, error: Buffer::empty() };
    // SAFETY: it is the library's buffer, unchanged, and it is not used again.
    unsafe { library.get::<Free>(b"ffi_livekit_ffi_rustbuffer_free")?(buffer, &raw mut status) };
    Ok(text)
}
