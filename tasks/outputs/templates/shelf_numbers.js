"use strict";
// The whole number that a folded text is, in whichever spelling, or null: as tasks/search/numbers.py has it.
// NUMBERS and SCALES are the words of tasks/search/number_words.py.
const numberOf = (() => {
  const LARGEST = 10 ** 15, SHORTEST = 5;
  const GROUPED = /^(?:\d{1,3}(?:[.,'\u2019\u00a0\u202f ]\d{3})+|\d{1,15})$/;
  const SCALED = /^(\d{1,6})(?:[.,](\d{1,3}))?[ -]*(\p{L}+)$/u;
  const SMALL = { "\uc2ed": 10, "\ubc31": 100, "\ucc9c": 1000, "\u5341": 10, "\u767e": 100, "\u5343": 1000 };
  const LARGE = { "\ub9cc": 1e4, "\uc5b5": 1e8, "\uc870": 1e12, "\u4e07": 1e4, "\u842c": 1e4, "\u5104": 1e8, "\u4ebf": 1e8, "\u5146": 1e12 };
  const DIGITS = { "\uacf5": 0, "\ub959": 6, "\u4e24": 2, "\u5169": 2 };
  for (const row of ["\uc601\uc77c\uc774\uc0bc\uc0ac\uc624\uc721\uce60\ud314\uad6c", "\u3007\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d", "\u96f6\u58f9\u8d30\u53c1\u8086\u4f0d\u9646\u67d2\u634c\u7396"]) {
    [...row].forEach((each, value) => { DIGITS[each] = value; });
  }

  // 사만 삼천, 4만 3천, 四万三千: a space stands behind 만, 억 or 조, or before a digit.
  function ofCharacters(text) {
    const parts = text.split(" ");
    let total = 0, above = LARGEST * 10, below = LARGEST, units = 0;
    for (const [place, part] of parts.entries()) {
      const before = parts[place - 1];
      if (!part || (before && !([...before].at(-1) in LARGE) && !/^\d/.test(part))) return null;
      let section = 0, digit = null;
      for (const token of part.match(/\d{1,4}|\D/gu)) {
        if (token in LARGE) {
          section += digit ?? 0;
          if ((!section && (LARGE[token] > 1e4 || total)) || LARGE[token] >= above) return null;
          total += (section || 1) * LARGE[token];
          [above, below, section, digit, units] = [LARGE[token], LARGEST, 0, null, units + 1];
        } else if (token in SMALL) {
          if (SMALL[token] >= below) return null;
          section += (digit ?? 1) * SMALL[token];
          [below, digit, units] = [SMALL[token], null, units + 1];
        } else if (digit) {
          return null;
        } else if (/\d/.test(token)) {
          digit = Number(token);
        } else if (token in DIGITS) {
          digit = DIGITS[token];
        } else {
          return null;
        }
      }
      total += section + (digit ?? 0);
    }
    return units && [...text].length > 1 ? total : null;
  }

  // The words of one language, joined: the longest first, each smaller than the one before or multiplied by it.
  function ofWords(text, { words, and }) {
    let rest = text.replace(/[\s-]+/g, ""), total = 0, current = null, above = LARGEST;
    while (rest) {
      let length = Math.min(rest.length, 32);
      while (length && !Object.hasOwn(words, rest.slice(0, length))) length--;
      if (!length) {
        if (!rest.startsWith(and) || (current === null && !total)) return null;
        rest = rest.slice(and.length);
        continue;
      }
      const value = words[rest.slice(0, length)];
      rest = rest.slice(length);
      if (value >= 1000) {
        if (value >= above || current === 0) return null;
        [total, current, above] = [total + (current ?? 1) * value, null, value];
      } else if (value === 100 && current !== null && current > 0 && current < 100) {
        current *= 100;
      } else if (current === null) {
        current = value;
      } else if (current >= 100 && current % 100 === 0 && value < 100) {
        current += value;
      } else {
        return null;
      }
    }
    return total + (current ?? 0);
  }

  // nineteen eighty-four, twenty twenty-six
  function ofYear(text) {
    const words = text.split(/[\s-]+/);
    if (![2, 3].includes(words.length) || !["nineteen", "twenty", "eighteen"].includes(words[0])) return null;
    const year = ofWords(words.slice(1).join(" "), NUMBERS.en);
    return year !== null && year >= 10 && year < 100 ? NUMBERS.en.words[words[0]] * 100 + year : null;
  }

  return (text) => {
    const folded = text.replace(/[\s-]+/g, " ").trim();
    if (!folded || folded.length > 120) return null;
    if (GROUPED.test(folded)) return Number(folded.replace(/\D/g, ""));
    const scaled = SCALED.exec(folded);
    if (scaled) {
      const [, whole, part = "", word] = scaled;
      if (Object.hasOwn(SCALES, word)) {
        const value = Number(whole + part) * SCALES[word] / 10 ** part.length;
        return Number.isInteger(value) ? value : null;
      }
    }
    if (/[\uac00-\ud7a3\u3007\u4e00-\u9fff]/.test(folded)) return ofCharacters(folded);
    if (/\d/.test(folded)) return null;
    for (const [language, own] of Object.entries(NUMBERS)) {
      if (language !== "en" && !folded.includes(" ") && folded.length < SHORTEST) continue;
      const value = ofWords(folded, own);
      if (value !== null) return value;
    }
    return ofYear(folded);
  };
})();
