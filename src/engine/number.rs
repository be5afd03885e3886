//! Telephone numbers: from what the network sent to a form that can be compared and called.
