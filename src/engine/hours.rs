//! Business hours: is it open at a moment, and when does it open next.
