//! Endpoints that need no sound card.

mod files;
mod memory;
mod paced;
mod pipes;
