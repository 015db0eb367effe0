//! What the design promises to everybody, proved from outside.

mod crashes;
mod damaged_records;
mod durability;
mod restarts;
mod secrecy;
mod shutdown;
mod stopped_writes;
mod two_processes;
