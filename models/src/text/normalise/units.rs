//! Tables: units of measure and of money.

/// A unit's names.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
}

/// A currency's names; `cents` is empty where there are none.
pub(super) struct Currency {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    pub(super) cent: &'static str,
    pub(super) cents: &'static str,
}

/// The unit written `symbol`; `glued` says that it touches the number, which some need to be told
/// from words and letters.
pub(super) fn unit(symbol: &str, glued: bool) -> Option<Unit> {
    let (one, many) = always(symbol).or_else(|| if glued { only_glued(symbol) } else { None })?;
    Some(Unit { one, many })
}

fn always(symbol: &str) -> Option<(&'static str, &'static str)> {
    Some(match symbol {
        "m" => ("meter", "meters"),
        "g" => ("gram", "grams"),
        "L" => ("liter", "liters"),
        "h" => ("hour", "hours"),
        "W" => ("watt", "watts"),
        "V" => ("volt", "volts"),
        "km" => ("kilometer", "kilometers"),
        "cm" => ("centimeter", "centimeters"),
        "mm" => ("millimeter", "millimeters"),
        "µm" | "μm" => ("micrometer", "micrometers"),
        "nm" => ("nanometer", "nanometers"),
        "mi" => ("mile", "miles"),
        "ft" => ("foot", "feet"),
        "yd" | "yds" => ("yard", "yards"),
        "kg" => ("kilogram", "kilograms"),
        "mg" => ("milligram", "milligrams"),
        "µg" | "μg" | "mcg" => ("microgram", "micrograms"),
        "lb" | "lbs" => ("pound", "pounds"),
        "oz" => ("ounce", "ounces"),
        "ml" | "mL" => ("milliliter", "milliliters"),
        "cl" | "cL" => ("centiliter", "centiliters"),
        "tsp" => ("teaspoon", "teaspoons"),
        "tbsp" => ("tablespoon", "tablespoons"),
        "gal" => ("gallon", "gallons"),
        "s" | "sec" | "secs" => ("second", "seconds"),
        "ms" => ("millisecond", "milliseconds"),
        "µs" | "μs" => ("microsecond", "microseconds"),
        "ns" => ("nanosecond", "nanoseconds"),
        "min" | "mins" => ("minute", "minutes"),
        "hr" | "hrs" => ("hour", "hours"),
        "Hz" => ("hertz", "hertz"),
        "kHz" => ("kilohertz", "kilohertz"),
        "MHz" => ("megahertz", "megahertz"),
        "GHz" => ("gigahertz", "gigahertz"),
        "kB" | "KB" => ("kilobyte", "kilobytes"),
        "MB" => ("megabyte", "megabytes"),
        "GB" => ("gigabyte", "gigabytes"),
        "TB" => ("terabyte", "terabytes"),
        "KiB" => ("kibibyte", "kibibytes"),
        "MiB" => ("mebibyte", "mebibytes"),
        "GiB" => ("gibibyte", "gibibytes"),
        "kbps" | "Kbps" => ("kilobit per second", "kilobits per second"),
        "Mbps" => ("megabit per second", "megabits per second"),
        "Gbps" => ("gigabit per second", "gigabits per second"),
        "kW" => ("kilowatt", "kilowatts"),
        "MW" => ("megawatt", "megawatts"),
        "kWh" => ("kilowatt hour", "kilowatt hours"),
        "mAh" => ("milliamp hour", "milliamp hours"),
        "mA" => ("milliamp", "milliamps"),
        "mV" => ("millivolt", "millivolts"),
        "kV" => ("kilovolt", "kilovolts"),
        "dB" => ("decibel", "decibels"),
        "fps" => ("frame per second", "frames per second"),
        "rpm" => ("revolution per minute", "revolutions per minute"),
        "bpm" => ("beat per minute", "beats per minute"),
        "mph" => ("mile per hour", "miles per hour"),
        "kph" => ("kilometer per hour", "kilometers per hour"),
        "mpg" => ("mile per gallon", "miles per gallon"),
        "hPa" => ("hectopascal", "hectopascals"),
        "kPa" => ("kilopascal", "kilopascals"),
        "psi" => ("pound per square inch", "pounds per square inch"),
        "ppm" => ("part per million", "parts per million"),
        "kcal" => ("kilocalorie", "kilocalories"),
        "sq" => ("square", "square"),
        "px" => ("pixel", "pixels"),
        "MP" => ("megapixel", "megapixels"),
        _ => return None,
    })
}

fn only_glued(symbol: &str) -> Option<(&'static str, &'static str)> {
    Some(match symbol {
        "l" => ("liter", "liters"),
        "d" => ("day", "days"),
        "in" => ("inch", "inches"),
        "Wh" => ("watt hour", "watt hours"),
        "t" => ("ton", "tons"),
        "yr" | "yrs" => ("year", "years"),
        _ => return None,
    })
}

/// The currency with this sign or code.
pub(super) fn currency(sign: &str) -> Option<Currency> {
    let (one, many, cent, cents) = match sign {
        "$" => ("dollar", "dollars", "cent", "cents"),
        "€" => ("euro", "euros", "cent", "cents"),
        "£" => ("pound", "pounds", "penny", "pence"),
        "¥" => ("yen", "yen", "", ""),
        "₹" => ("rupee", "rupees", "paisa", "paise"),
        "₩" => ("won", "won", "", ""),
        "₽" => ("ruble", "rubles", "kopeck", "kopecks"),
        "₿" => ("bitcoin", "bitcoin", "", ""),
        "¢" => ("cent", "cents", "", ""),
        "USD" => ("^US dollar", "^US dollars", "cent", "cents"),
        "EUR" => ("euro", "euros", "cent", "cents"),
        "GBP" => ("pound", "pounds", "penny", "pence"),
        "JPY" => ("yen", "yen", "", ""),
        "CHF" => ("Swiss franc", "Swiss francs", "centime", "centimes"),
        _ => return None,
    };
    Some(Currency { one, many, cent, cents })
}
