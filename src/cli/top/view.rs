//! What is looked at on the screen of `callbackd top`, and what the keys do with it: those of `top` and `sngrep`.

use super::screen::Thing;

/// Characters of a filter.
const MOST: usize = 40;

/// What is on the screen.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) paused: bool,
    /// The line that Enter opens.
    pub(super) selected: Option<Thing>,
    /// Whose history is shown, and from which line on.
    pub(super) opened: Option<(Thing, usize)>,
    /// Lines that do not have this are left out.
    pub(super) filter: String,
    /// The filter is being typed.
    typing: bool,
}

impl View {
    /// Takes a key; `false`: it ends.
    pub(super) fn takes(&mut self, key: &[u8], things: &[(usize, Thing)]) -> bool {
        match (key, &mut self.opened) {
            // Ctrl-C and Ctrl-D are keys here; F10.
            ([3 | 4, ..] | b"\x1b[21~", _) => return false,
            (key, None) if self.typing => self.types(key),
            (b"q" | b"Q", None) => return false,
            (b"q" | b"Q" | b"\r" | b"\n" | b"\x7f" | b"\x1b" | b"\x1b[D", Some(_)) => self.opened = None,
            (b"\x1b[A" | b"\x1bOA" | b"k", Some((_, from))) => *from = from.saturating_sub(1),
            (b"\x1b[B" | b"\x1bOB" | b"j", Some((_, from))) => *from = from.saturating_add(1),
            (b"\x1b[A" | b"\x1bOA" | b"k", None) => self.moves(things, |at| at.saturating_sub(1)),
            (b"\x1b[B" | b"\x1bOB" | b"j", None) => self.moves(things, |at| at + 1),
            (b"\r" | b"\n", None) => self.opened = self.selected.clone().map(|thing| (thing, 0)),
            // F7 is sngrep's.
            (b"/" | b"f" | b"F" | b"\x1b[18~", None) => self.typing = true,
            (b"\x1b", None) => self.filter.clear(),
            (b"p" | b"P" | b" ", _) => self.paused = !self.paused,
            _ => {}
        }
        true
    }

    fn types(&mut self, key: &[u8]) {
        match key {
            b"\r" | b"\n" => self.typing = false,
            b"\x1b" => {
                self.typing = false;
                self.filter.clear();
            }
            b"\x7f" | b"\x08" => drop(self.filter.pop()),
            key => {
                let text = std::str::from_utf8(key).unwrap_or_default();
                // Arrows and other keys of several bytes are no text.
                if !text.contains('\x1b') {
                    let typed = text.chars().filter(|c| !c.is_control());
                    let room = MOST.saturating_sub(self.filter.chars().count());
                    self.filter.extend(typed.take(room));
                }
            }
        }
    }

    fn moves(&mut self, things: &[(usize, Thing)], to: impl Fn(usize) -> usize) {
        let at = things.iter().position(|(_, thing)| Some(thing) == self.selected.as_ref());
        let next = at.map_or(0, to).min(things.len().saturating_sub(1));
        self.selected = things.get(next).map(|(_, thing)| thing.clone());
    }

    /// The last line while something is left out; `None`: the usual one.
    pub(super) fn foot(&self) -> Option<String> {
        match (self.typing, &*self.filter) {
            (true, filter) => Some(format!("/{filter}_   Enter: keep it  Esc: show all")),
            (false, "") => None,
            (false, filter) => Some(format!("only lines with \"{filter}\"   / another  Esc: show all  q ends")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(view: &mut View, keys: &[&[u8]]) -> bool {
        let things = [(4, Thing::Callback(7)), (5, Thing::Callback(8))];
        keys.iter().all(|key| view.takes(key, &things))
    }

    #[test]
    fn up_and_down_choose_a_line_and_enter_shows_its_history_until_q() {
        let mut view = View::default();
        assert!(pressed(&mut view, &[b"\x1b[B", b"j", b"j", b"\r"]));
        assert_eq!(view.opened, Some((Thing::Callback(8), 0)));
        assert!(pressed(&mut view, &[b"j", b"\x1b[B", b"k"]));
        assert_eq!(view.opened, Some((Thing::Callback(8), 1)));
        assert!(pressed(&mut view, &[b"q", b"\x1b[A", b"\n"]));
        assert_eq!(view.opened, Some((Thing::Callback(7), 0)));
        assert!(pressed(&mut view, &[b"\x1b"]) && view.opened.is_none());
    }

    #[test]
    fn a_word_is_typed_after_a_slash_and_kept_by_enter() {
        let mut view = View::default();
        assert!(pressed(&mut view, &[b"/", b"q", b"x", b"\x7f", "ü".as_bytes(), b"\x1b[A"]));
        assert_eq!((&*view.filter, view.foot().as_deref()), ("qü", Some("/qü_   Enter: keep it  Esc: show all")));
        assert!(pressed(&mut view, &[b"\r"]));
        assert!(view.foot().unwrap().starts_with("only lines with \"qü\""), "{view:?}");
        assert!(!pressed(&mut view, &[b"q"]));
        assert!(pressed(&mut view, &[b"\x1b"]) && view.filter.is_empty() && view.foot().is_none());
    }

    #[test]
    fn a_word_that_is_being_typed_is_given_up_by_escape_and_is_not_too_long() {
        let mut view = View::default();
        assert!(pressed(&mut view, &[b"\x1b[18~", &[b'a'; 100]]));
        assert_eq!(view.filter.len(), MOST);
        assert!(pressed(&mut view, &[b"\x1b"]) && view.filter.is_empty());
        assert!(pressed(&mut view, &[b"p"]) && view.paused);
    }

    #[test]
    fn q_f10_and_control_c_end_it() {
        for key in [&b"q"[..], b"Q", b"\x1b[21~", &[3], &[4]] {
            assert!(!pressed(&mut View::default(), &[key]), "{key:?}");
        }
        let mut typing = View::default();
        assert!(!pressed(&mut typing, &[b"/", &[3]]), "Ctrl-C ends it while a word is typed");
    }
}
