//! Promises under attack, one function each, numbered as the list of attacks they come from.

mod processes;
