//! What would change in a file, as `diff -u` shows it.

/// Lines of context before and behind a change.
const CONTEXT: usize = 2;

/// The changes from `before` to `after`, each line with its end; empty if there are none.
#[must_use]
pub(crate) fn unified(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let marked = marked(&old, &new);
    let near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        marked[from..(at + CONTEXT + 1).min(marked.len())].iter().any(|(mark, _)| *mark != ' ')
    };
    let (mut out, mut skipped) = (String::new(), false);
    for (at, (mark, line)) in marked.iter().enumerate() {
        if !near(at) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) && !out.is_empty() {
            out.push_str("  …\n");
        }
        out.push_str(&format!("{mark} {line}\n"));
    }
    out
}

/// All lines of both, by the longest common subsequence.
fn marked<'l>(old: &[&'l str], new: &[&'l str]) -> Vec<(char, &'l str)> {
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            out.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            out.push(('-', old[i]));
            i += 1;
        } else {
            out.push(('+', new[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_difference_is_shown_with_what_is_around_it() {
        assert_eq!(unified("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nX\ne\nf\n"), "  b\n  c\n- d\n+ X\n  e\n  f\n");
        assert_eq!(unified("a\n", "a\n"), "");
        assert_eq!(unified("", "a\nb\n"), "+ a\n+ b\n");
    }
}
