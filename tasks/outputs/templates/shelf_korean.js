"use strict";
// How other forms of a Korean verb begin, by the rules of tasks/search/korean.py, whose names these are.
const verbBeginnings = (() => {
  const FIRST = 0xac00, LAST = 28, RIEUL = 5, SILENT = 11;
  const VOWEL = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", FINAL = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
  const ENDING = new RegExp(KOREAN.ending);
  const BEHIND_PUT = Object.entries(KOREAN.put);

  function apart(syllable) {
    const number = syllable.charCodeAt(0) - FIRST;
    return [Math.floor(number / (VOWEL.length * LAST)), VOWEL[Math.floor(number / LAST) % VOWEL.length], FINAL[number % LAST]];
  }

  const put = (initial, vowel, final = " ") =>
    String.fromCharCode(FIRST + (initial * VOWEL.length + VOWEL.indexOf(vowel)) * LAST + FINAL.indexOf(final));

  function stemsOf(word) {
    const found = ENDING.exec(word.slice(1));
    if (!found) return [];
    const ending = found[0], stem = word.slice(0, 1 + found.index);
    if (!/^[가-힣]+$/.test(stem)) return [];
    const before = stem.slice(0, -1), last = stem.at(-1), [initial, vowel, final] = apart(last);
    if ({ "다": "ㄴ", "니다": "ㅂ", "니까": "ㅂ" }[ending] === final) return [before + put(initial, vowel), before + put(initial, vowel, "ㄹ")];
    if (final === "ㅆ" || ("었았였".includes(last) && before)) return beforePast(before, last);
    if (final === " " && "ㅐㅘㅝㅕㅓㅏ".includes(vowel) && ["요", "서"].includes(ending)) return beforePast(before, last);
    if (["어요", "아요", "어서", "아서", "어야", "아야"].includes(ending) || "었았였".includes(ending[0])) return beforeVowel(before, last);
    return [stem];
  }

  function beforePast(before, last) {
    if ("었았였".includes(last) && before) return beforeVowel(before.slice(0, -1), before.at(-1));
    if ("했해".includes(last)) return [`${before}하`];
    const [initial, vowel] = apart(last), found = [];
    const of = { "ㅐ": "ㅏㅐ", "ㅏ": before ? "ㅏㅡ" : "ㅏ", "ㅓ": "ㅓㅡ", "ㅘ": "ㅗ", "ㅝ": "ㅜ", "ㅕ": "ㅣㅕ" };
    for (const each of of[vowel] ?? vowel) found.push(before + put(initial, each));
    if (!before) return found;
    const [first, middle, final] = apart(before.at(-1)), head = before.slice(0, -1);
    if (initial === RIEUL && final === "ㄹ") found.push(head + put(first, middle) + put(RIEUL, "ㅡ"));
    if (initial === SILENT && "ㅝㅘ".includes(vowel) && final === " ") found.push(head + put(first, middle, "ㅂ"));
    return found;
  }

  function beforeVowel(before, last) {
    const [initial, vowel, final] = apart(last), found = [before + last];
    if (final === "ㄹ") found.push(before + put(initial, vowel, "ㄷ"));
    if (final === " ") found.push(before + put(initial, vowel, "ㅅ"));
    return found;
  }

  function beginningsOf(stem) {
    const before = stem.slice(0, -1), last = stem.at(-1), [initial, vowel, end] = apart(last), found = [];
    // A head of two syllables stands for all that begins so; one alone is followed by what may follow it.
    const add = (head, following) => found.push(...(before ? [head] : [...following].map((each) => head + each)));
    if ("하되".includes(last) && before.length > 1) found.push(before);
    add(stem, KOREAN.behind + (end === " " ? KOREAN.behindVowel : KOREAN.behindConsonant));
    if (end === " " || end === "ㄹ") for (const [final, following] of BEHIND_PUT) add(before + put(initial, vowel, final), following);
    if (end === "ㄹ") add(before + put(initial, vowel), "는니시세");
    if (last === "하") {
      add(`${before}해`, "요서야도");
      add(`${before}했`, KOREAN.behindPast);
    } else if (last === "르" && before) {
      const [first, middle] = apart(before.at(-1)), head = before.slice(0, -1) + put(first, middle, "ㄹ");
      for (const each of "ㅓㅏ") for (const final of " ㅆ") found.push(head + put(RIEUL, each, final));
    } else if (end === " ") {
      for (const each of { "ㅏ": "ㅏ", "ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅡ": "ㅓㅏ" }[vowel] ?? vowel) {
        add(before + put(initial, each, "ㅆ"), KOREAN.behindPast);
        if (before || each !== vowel) add(before + put(initial, each), "요서야");
      }
    }
    const [becomes, following] = { "ㄷ": ["ㄹ", "어은을으었"], "ㅂ": [" ", "우워와운울웠왔"], "ㅅ": [" ", "으어아은을었았"] }[end] ?? [" ", ""];
    for (const each of following) found.push(before + put(initial, vowel, becomes) + each);
    if (end === "ㅎ" && before) found.push(before + put(initial, vowel, "ㄴ"), before + put(initial, "ㅐ"));
    return found;
  }

  return (word) => [...new Set(stemsOf(word).flatMap(beginningsOf))].filter((each) => each !== word);
})();
