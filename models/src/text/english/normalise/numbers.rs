//! Numbers in words, the American way: no "and" after hundred, years in pairs.

/// The words for 0 to 19, in order.
pub const SMALL_NUMBERS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
/// The words for 20, 30, … 90, in order.
pub const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [&str; 6] = ["", "thousand", "million", "billion", "trillion", "quadrillion"];
/// Longest number said as one; longer ones are said digit by digit.
const MAX_DIGITS: usize = 18;

/// "21" → "twenty one"; too long numbers digit by digit.
pub(super) fn cardinal(digits: &str) -> String {
    if digits.len() > MAX_DIGITS {
        return each_digit(digits);
    }
    digits.parse().map_or_else(|_| each_digit(digits), cardinal_of)
}

/// 21 → "twenty one".
pub(super) fn cardinal_of(n: u64) -> String {
    if n == 0 {
        return SMALL_NUMBERS[0].to_owned();
    }
    let mut groups = Vec::new();
    let mut rest = n;
    for scale in SCALES {
        let group = rest % 1000;
        if group > 0 {
            let words = below_thousand(group);
            groups.push(if scale.is_empty() { words } else { format!("{words} {scale}") });
        }
        rest /= 1000;
    }
    groups.reverse();
    groups.join(" ")
}

fn below_thousand(n: u64) -> String {
    match (n / 100, n % 100) {
        (0, rest) => below_hundred(rest),
        (hundreds, 0) => format!("{} hundred", SMALL_NUMBERS[hundreds as usize]),
        (hundreds, rest) => format!("{} hundred {}", SMALL_NUMBERS[hundreds as usize], below_hundred(rest)),
    }
}

fn below_hundred(n: u64) -> String {
    match (n / 10, n % 10) {
        (0 | 1, _) => SMALL_NUMBERS[n as usize].to_owned(),
        (tens, 0) => TENS[tens as usize - 2].to_owned(),
        (tens, ones) => format!("{} {}", TENS[tens as usize - 2], SMALL_NUMBERS[ones as usize]),
    }
}

/// "21" → "twenty first".
pub(super) fn ordinal(digits: &str) -> String {
    let cardinal = cardinal(digits);
    let (head, last) = cardinal.rsplit_once(' ').map_or(("", cardinal.as_str()), |(head, last)| (head, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
        other => format!("{other}th"),
    };
    if head.is_empty() { last } else { format!("{head} {last}") }
}

/// "1984" → "nineteen eighty four"; anything but four digits as a cardinal.
pub(super) fn year(digits: &str) -> String {
    let Some(n) = digits.parse::<u64>().ok().filter(|n| (1000..10_000).contains(n)) else {
        return cardinal(digits);
    };
    match (n / 100, n % 100) {
        (century, 0) if century % 10 == 0 => cardinal_of(n),
        (century, 0) => format!("{} hundred", cardinal_of(century)),
        (century, rest) if rest < 10 && century % 10 == 0 => {
            format!("{} {}", cardinal_of(century * 100), SMALL_NUMBERS[rest as usize])
        }
        (century, rest) if rest < 10 => {
            format!("{} oh {}", cardinal_of(century), SMALL_NUMBERS[rest as usize])
        }
        (century, rest) => format!("{} {}", cardinal_of(century), below_hundred(rest)),
    }
}

/// "1990" → "nineteen nineties".
pub(super) fn decade(digits: &str) -> String {
    plural_of(&year(digits))
}

/// The plural of a number's last word: "nineties", "sixes", "hundreds".
pub(super) fn plural_of(words: &str) -> String {
    match words {
        w if w.ends_with('y') => format!("{}ies", &w[..w.len() - 1]),
        w if w.ends_with('x') => format!("{w}es"),
        w => format!("{w}s"),
    }
}

/// "007" → "zero zero seven".
pub(super) fn each_digit(digits: &str) -> String {
    let names: Vec<&str> =
        digits.bytes().filter(u8::is_ascii_digit).map(|d| SMALL_NUMBERS[usize::from(d - b'0')]).collect();
    names.join(" ")
}

/// "40404" → "four oh four oh four": digit by digit, a zero between other digits as "oh".
pub(super) fn short_code(digits: &str) -> String {
    let bytes = digits.as_bytes();
    let zero = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_none_or(|d| *d == b'0');
    let names: Vec<&str> = bytes
        .iter()
        .enumerate()
        .map(|(i, d)| match d {
            b'0' if !zero(i.checked_sub(1)) && !zero(Some(i + 1)) => "oh",
            d => SMALL_NUMBERS[usize::from(d.saturating_sub(b'0').min(9))],
        })
        .collect();
    names.join(" ")
}

/// "1408" → "fourteen oh eight", "210" → "two ten", "404" → "four oh four", "500" → "five hundred",
/// "12700" → "twelve seven hundred": as rooms, forms, flights and models are said.
pub(super) fn pairs(digits: &str) -> String {
    let Some(n) = digits.parse::<u64>().ok().filter(|_| !digits.starts_with('0')) else {
        return each_digit(digits);
    };
    let tail = |n: u64| match n {
        0 => "hundred".to_owned(),
        n if n < 10 => format!("oh {}", SMALL_NUMBERS[n as usize]),
        n => below_hundred(n),
    };
    match digits.len() {
        3 | 4 if n % 1000 == 0 => cardinal_of(n),
        3 | 4 => format!("{} {}", below_hundred(n / 100), tail(n % 100)),
        5 if n % 1000 == 0 => cardinal_of(n),
        5 => format!("{} {}", below_hundred(n / 1000), pairs(&digits[2..])),
        1 | 2 => cardinal_of(n),
        _ => each_digit(digits),
    }
}

/// "3", "14" → "three point one four".
pub(super) fn decimal(whole: &str, fraction: &str) -> String {
    format!("{} point {}", cardinal(whole), each_digit(fraction))
}

/// 3, 4 → "three quarters".
pub(super) fn fraction(over: u64, under: u64) -> String {
    let name = match under {
        2 => "half".to_owned(),
        4 => "quarter".to_owned(),
        n => ordinal(&n.to_string()),
    };
    let words = cardinal_of(over);
    match (over, under) {
        (1, _) => format!("{words} {name}"),
        (_, 2) => format!("{words} halves"),
        _ => format!("{words} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_not_misread() {
        assert_eq!(
            cardinal("1234567"),
            "one million two hundred thirty four thousand five hundred sixty seven"
        );
        assert_eq!(cardinal("1000000000000000000000").split(' ').count(), 22);
        assert_eq!(cardinal("0"), "zero");
        for (n, words) in [
            ("1", "first"),
            ("12", "twelfth"),
            ("20", "twentieth"),
            ("21", "twenty first"),
            ("100", "one hundredth"),
        ] {
            assert_eq!(ordinal(n), words);
        }
        for (n, words) in [
            ("1984", "nineteen eighty four"),
            ("1900", "nineteen hundred"),
            ("1905", "nineteen oh five"),
            ("2000", "two thousand"),
            ("2007", "two thousand seven"),
            ("2026", "twenty twenty six"),
            ("1066", "ten sixty six"),
        ] {
            assert_eq!(year(n), words);
        }
    }
}
