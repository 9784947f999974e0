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

/// One and many of a unit.
type Names = (&'static str, &'static str);

fn always(symbol: &str) -> Option<Names> {
    [length, amount, time, data, rate, power].into_iter().find_map(|kind| kind(symbol))
}

/// Lengths and areas.
fn length(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "m" => ("meter", "meters"),
        "km" => ("kilometer", "kilometers"),
        "cm" => ("centimeter", "centimeters"),
        "mm" => ("millimeter", "millimeters"),
        "µm" | "μm" => ("micrometer", "micrometers"),
        "nm" => ("nanometer", "nanometers"),
        "mi" => ("mile", "miles"),
        "ft" => ("foot", "feet"),
        "ha" => ("hectare", "hectares"),
        "yd" | "yds" => ("yard", "yards"),
        "sq" => ("square", "square"),
        _ => return None,
    })
}

/// Weights, volumes and counts.
fn amount(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "g" => ("gram", "grams"),
        "L" => ("liter", "liters"),
        "doz" => ("dozen", "dozen"),
        "qt" | "qts" => ("quart", "quarts"),
        "dl" | "dL" => ("deciliter", "deciliters"),
        "IU" => ("international unit", "international units"),
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
        _ => return None,
    })
}

/// Times.
fn time(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "h" => ("hour", "hours"),
        "wk" | "wks" => ("week", "weeks"),
        "yrs" => ("year", "years"),
        "mos" => ("month", "months"),
        "s" | "sec" | "secs" => ("second", "seconds"),
        "ms" => ("millisecond", "milliseconds"),
        "µs" | "μs" => ("microsecond", "microseconds"),
        "ns" => ("nanosecond", "nanoseconds"),
        "min" | "mins" => ("minute", "minutes"),
        "hr" | "hrs" => ("hour", "hours"),
        _ => return None,
    })
}

/// Data, and what screens are made of.
fn data(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "PB" => ("petabyte", "petabytes"),
        "dpi" => ("dot per inch", "dots per inch"),
        "ppi" => ("pixel per inch", "pixels per inch"),
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
        "px" => ("pixel", "pixels"),
        "MP" => ("megapixel", "megapixels"),
        _ => return None,
    })
}

/// Frequencies, speeds and shares.
fn rate(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "bps" => ("basis point", "basis points"),
        "pt" | "pts" => ("point", "points"),
        "kn" => ("knot", "knots"),
        "rps" => ("request per second", "requests per second"),
        "qps" => ("query per second", "queries per second"),
        "Hz" => ("hertz", "hertz"),
        "kHz" => ("kilohertz", "kilohertz"),
        "MHz" => ("megahertz", "megahertz"),
        "GHz" => ("gigahertz", "gigahertz"),
        "fps" => ("frame per second", "frames per second"),
        "rpm" => ("revolution per minute", "revolutions per minute"),
        "bpm" => ("beat per minute", "beats per minute"),
        "mph" => ("mile per hour", "miles per hour"),
        "kph" => ("kilometer per hour", "kilometers per hour"),
        "mpg" => ("mile per gallon", "miles per gallon"),
        "ppm" => ("part per million", "parts per million"),
        _ => return None,
    })
}

/// Electricity, energy, light, sound and pressure.
fn power(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "W" => ("watt", "watts"),
        "V" => ("volt", "volts"),
        "lm" => ("lumen", "lumens"),
        "mmHg" => ("millimeter of mercury", "millimeters of mercury"),
        "Ah" => ("amp hour", "amp hours"),
        "MWh" => ("megawatt hour", "megawatt hours"),
        "GW" => ("gigawatt", "gigawatts"),
        "hp" => ("horsepower", "horsepower"),
        "kW" => ("kilowatt", "kilowatts"),
        "MW" => ("megawatt", "megawatts"),
        "kWh" => ("kilowatt hour", "kilowatt hours"),
        "mAh" => ("milliamp hour", "milliamp hours"),
        "mA" => ("milliamp", "milliamps"),
        "mV" => ("millivolt", "millivolts"),
        "kV" => ("kilovolt", "kilovolts"),
        "dB" => ("decibel", "decibels"),
        "hPa" => ("hectopascal", "hectopascals"),
        "kPa" => ("kilopascal", "kilopascals"),
        "psi" => ("pound per square inch", "pounds per square inch"),
        "kcal" => ("kilocalorie", "kilocalories"),
        _ => return None,
    })
}

/// What is a unit only right behind its number.
fn only_glued(symbol: &str) -> Option<Names> {
    Some(match symbol {
        "l" => ("liter", "liters"),
        "Gb" => ("gigabit", "gigabits"),
        "Mb" => ("megabit", "megabits"),
        "J" => ("joule", "joules"),
        "kJ" => ("kilojoule", "kilojoules"),
        "N" => ("newton", "newtons"),
        "Nm" => ("newton meter", "newton meters"),
        "A" => ("amp", "amps"),
        "Pa" => ("pascal", "pascals"),
        "hr" => ("hour", "hours"),
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
        "CAD" => ("Canadian dollar", "Canadian dollars", "cent", "cents"),
        "AUD" => ("Australian dollar", "Australian dollars", "cent", "cents"),
        "NZD" => ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
        "HKD" => ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
        "SGD" => ("Singapore dollar", "Singapore dollars", "cent", "cents"),
        "TWD" => ("Taiwan dollar", "Taiwan dollars", "cent", "cents"),
        "MXN" => ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
        "BRL" => ("Brazilian real", "Brazilian reais", "centavo", "centavos"),
        "INR" => ("rupee", "rupees", "paisa", "paise"),
        "CNY" | "RMB" => ("yuan", "yuan", "", ""),
        "KRW" => ("won", "won", "", ""),
        "SEK" => ("Swedish krona", "Swedish kronor", "", ""),
        "NOK" => ("Norwegian krone", "Norwegian kroner", "", ""),
        "DKK" => ("Danish krone", "Danish kroner", "", ""),
        "PLN" => ("zloty", "zlotys", "", ""),
        "ZAR" => ("rand", "rand", "cent", "cents"),
        "AED" => ("dirham", "dirhams", "", ""),
        "BTC" => ("bitcoin", "bitcoin", "", ""),
        "₱" | "PHP" => ("Philippine peso", "Philippine pesos", "centavo", "centavos"),
        "₺" | "TRY" => ("lira", "lira", "", ""),
        "₪" | "ILS" => ("shekel", "shekels", "", ""),
        "₦" | "NGN" => ("naira", "naira", "", ""),
        "฿" | "THB" => ("baht", "baht", "", ""),
        "₴" => ("hryvnia", "hryvnias", "", ""),
        "₫" | "VND" => ("dong", "dong", "", ""),
        "CHF" => ("Swiss franc", "Swiss francs", "centime", "centimes"),
        _ => return None,
    };
    Some(Currency { one, many, cent, cents })
}
