//! The whole program, run as its users run it: the real binary, the real
//! models (fetched at first need, as for any user), the sample handbook.

mod add;
mod ask;
mod calibrate;
mod crash;
mod injections;
mod killed;
mod receipts;
mod search;
mod service;
mod status;
mod strict;
mod support;
mod usage;
