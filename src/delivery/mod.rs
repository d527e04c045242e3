//! What goes from the change log to other people's servers: caches outside are told which answers have changed, webhooks
//! what has happened, and a hub which feeds are new.

mod address;
mod courier;
pub mod event;
mod flight;
mod mark;
mod node;
mod places;
mod purger;
mod receiver;
mod results;
mod round;
mod schedule;
mod sender;
mod servers;
pub mod signature;
mod tags;
mod target;
mod under_way;
mod websub;
mod work;

pub use address::Guard;
pub use courier::{Courier, Errand};
pub use mark::Mark;
pub use node::node_in;
pub use purger::{Followed, Purger, Purges};
pub use round::Told;
pub use servers::Readable;
pub use tags::EVERYTHING;
pub use target::Target;
pub use under_way::OnItsWay;
pub use websub::Publisher;
