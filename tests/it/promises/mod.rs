//! What the design promises to everybody, proved from outside.

mod durability;
