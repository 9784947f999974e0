//! ONNX models: load once, run from any thread, cancel at any time, and run without Rust-side allocation.
//!
//! - [`Session`] is a loaded model. It is `Send + Sync` and [`run`](Session::run) takes `&self`, so one session behind an `Arc` serves every
//!   stream. Shapes may differ from run to run.
//! - [`Binding`] is a session with buffers of fixed shapes, owned by one thread: fill the inputs, [`run`](Binding::run), read the outputs.
//!   A run allocates nothing on the Rust side (ONNX Runtime allocates inside, so it still does not belong in an audio callback).
//! - [`Cancel`] ends runs in progress and refuses later ones.
//!
//! ```no_run
//! use duologue_native::onnx::{Cancel, Session, SessionOptions, TensorView};
//!
//! # fn main() -> Result<(), duologue_native::Error> {
//! let session = Session::load("model.onnx".as_ref(), &SessionOptions::default())?;
//! let tokens = [0_i64, 43, 102, 0];
//! let out = session.run(&[("tokens", TensorView::i64(&[1, 4], &tokens))], &["audio"], &Cancel::never())?;
//! println!("{:?}: {:?}", out[0].shape(), out[0].f32s());
//! # Ok(())
//! # }
//! ```

mod api;
mod binding;
mod cancel;
mod session;
mod tensor;

pub use binding::Binding;
pub use cancel::Cancel;
pub use session::{Session, SessionOptions};
pub use tensor::{ElementKind, Tensor, TensorData, TensorInfo, TensorView};
