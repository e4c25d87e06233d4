//! What there may be several of stands in its own folder: these tests read the sources.

mod engine;
mod machine;
mod sources;
mod targets;
