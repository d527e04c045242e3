//! What goes from the change log to other people's servers: caches outside are told which answers have changed.

mod mark;
mod purger;
mod tags;
mod target;
mod under_way;

pub use mark::Mark;
pub use purger::{Followed, Purger, Purges};
pub use tags::EVERYTHING;
pub use target::Target;
pub use under_way::OnItsWay;
