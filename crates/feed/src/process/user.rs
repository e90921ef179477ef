//! Users in a user namespace, where each has another number: a run over a link is in one of its own, in which it is root.

/// Returns the number of a user outside of this process's user namespace; where nothing is known, the same.
#[must_use]
pub fn user_outside(user: u32) -> u32 {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    mapped(&map, user).unwrap_or(user)
}

/// Reads user_namespaces(7)'s table, whose lines are the first number inside, the first outside, and how many there are.
fn mapped(map: &str, user: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let [inside, outside, count] = [numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?];
        let offset = user.checked_sub(inside).filter(|offset| *offset < count)?;
        outside.checked_add(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_number_inside_and_outside_of_a_namespace() {
        assert_eq!(mapped("         0          0 4294967295\n", 1000), Some(1000));
        assert_eq!(mapped("0 1000 1\n", 0), Some(1000));
        assert_eq!(mapped("0 1000 1\n1 100000 65536\n", 2), Some(100_001));
        assert_eq!((mapped("0 1000 1\n", 7), mapped("", 0), mapped("x", 0)), (None, None, None));
    }
}
