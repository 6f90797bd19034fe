"use strict";
// What the files beside this page call: see tasks/shelf/files.py.
const PARTICLE = new RegExp(PARTICLE_SOURCE);
const shelf = (() => {
  const SHOWN = 60, MOMENTS = 60, AHEAD = 12, MOST_WORDS = 9, LONG = 4, LONGER = 3, MOST_FORMS = 24, KEPT = 240, SECOND = 1000;
  const NOTHING = "Nothing was found. Fewer words, or the beginning of one with a * behind it, find more; a transcript may have it spelled otherwise.";
  const DATED = { file: "file dated", analysis: "analysed" };
  const byId = (id) => document.getElementById(id);
  const scripts = new Map(), shards = new Map(), said = new Map();
  let cards = [], indexed = [], known = [], all = new Set(), shown = SHOWN, asked = 0;

  // A script of the folder, once; a file that is not there is nothing.
  function load(path) {
    if (!scripts.has(path)) {
      scripts.set(path, new Promise((done) => {
        const element = document.createElement("script");
        element.src = path;
        element.onload = element.onerror = () => { element.remove(); done(); };
        document.head.append(element);
      }));
    }
    return scripts.get(path);
  }

  // Terms as tasks/words/tokens.py makes them.
  const HANGUL = "\\u1100-\\u11ff\\uac00-\\ud7a3";
  const UNSPACED = "\\u3005-\\u3007\\u3041-\\u309f\\u30a1-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3ffff}\\u0e01-\\u0e3a\\u0e40-\\u0eff\\u1000-\\u109f\\u1780-\\u17d3";
  const MARKS = "\\u0300-\\u036f\\u0591-\\u05bd\\u064b-\\u065f\\u0670\\u0900-\\u0963\\u0966-\\u0dff";
  const PIECE = new RegExp(`(?<hangul>[${HANGUL}]+)|(?<unspaced>[${UNSPACED}]+)|(?<number>\\p{Nd}{1,3}(?:[.,'\\u2019\\u00a0\\u202f]\\p{Nd}{3})+(?!\\p{Nd})|\\p{Nd}+)|(?<word>(?:(?![${HANGUL}${UNSPACED}\\p{Nd}])(?:[\\p{L}\\p{N}]|[${MARKS}]))+)`, "gu");
  const ACCENTS = /[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670]/g;
  const ACCENTED = /[\u00c0-\u024f\u0300-\u052f\u0591-\u06ff\u1e00-\u1fff]/;

  function fold(text) {
    const folded = text.normalize("NFKC").toLowerCase().replace(/\u00df/g, "ss").replace(/\u03c2/g, "\u03c3");
    return ACCENTED.test(folded) ? folded.normalize("NFD").replace(ACCENTS, "").normalize("NFC") : folded;
  }

  function pieces(text) {
    return [...fold(text).matchAll(PIECE)].map(({ groups }) => {
      const script = Object.keys(groups).find((name) => groups[name] !== undefined);
      const own = groups[script];
      return { script, text: script === "number" ? own.replace(/[^\p{Nd}]/gu, "") : own };
    });
  }

  function termsOf(piece) {
    if (piece.script === "word" || piece.script === "number") return [piece.text];
    const letters = [...piece.text];
    return letters.map((letter, at) => letter + (letters[at + 1] ?? ""));
  }

  const padded = (text) => ` ${pieces(text).flatMap(termsOf).join(" ")} `;

  // What a run of pieces is in a row of terms, the last one perhaps only begun.
  function wayOf(runs, begins = false) {
    const before = runs.slice(0, -1).flatMap(termsOf), last = termsOf(runs.at(-1));
    const letters = runs.at(-1).script === "word" || runs.at(-1).script === "number";
    const own = letters || last.length === 1 ? last : last.slice(0, -1);
    const open = letters ? begins : last.length === 1, terms = [...before, ...own];
    // What a text has to have as it is written, before it is taken apart; numbers are written in several ways.
    const plain = runs.filter((run) => run.script !== "number").map((run) => run.text);
    return { plain, terms, open, text: ` ${terms.join(" ")}${open ? "" : " "}`, shown: runs.map((run) => run.text).join(" ") };
  }

  const wordWay = (text) => wayOf([{ script: "word", text }]);

  // Each word, "phrase" or number with the ways in which it may have been said; -word for without.
  function parse(question) {
    const typed = [...question.matchAll(/(-?)"([^"]*)(?:"|$)|(\S+)/g)].map(([whole, minus, phrase, word]) => {
      const out = Boolean(minus) || /^-\p{L}/u.test(word ?? "");
      return { text: phrase ?? word, quoted: phrase !== undefined, begins: whole.endsWith("*"), out };
    });
    const units = [];
    while (typed.length) {
      const several = typed.findIndex((each) => each.quoted || each.begins || each.out);
      let count = Math.min(several < 0 ? typed.length : several, MOST_WORDS), value = null;
      while (count > 1 && (value = numberOf(fold(typed.slice(0, count).map((each) => each.text).join(" ")))) === null) count--;
      if (value === null) {
        count = 1;
        if (!typed[0].begins) value = numberOf(fold(typed[0].text));
      }
      const { begins, out, quoted } = typed[0], runs = pieces(typed.splice(0, count).map((each) => each.text).join(" "));
      if (!runs.length) continue;
      const unit = { out, value, ways: [wayOf(runs, begins)] };
      if (!out && !begins && !quoted && count === 1 && runs.length === 1) unit.more = runs[0];
      units.push(unit);
    }
    return units.some((unit) => !unit.out) ? units : [];
  }

  // Forms of a word, and where nobody said it words spelled alike, as tasks/search/said.py has them.
  async function widened(units) {
    if (units.some((unit) => unit.more?.script === "word") && Number(document.body.dataset.shards)) await load("shelf/words/known.js");
    for (const unit of units) {
      const { script, text } = unit.more ?? {};
      if (script === "hangul") {
        const stem = text.slice(0, 2) + text.slice(2).replace(PARTICLE, "");
        if (stem !== text) unit.ways.push(wayOf([{ script, text: stem }]));
        for (const beginning of verbBeginnings(text)) unit.ways.push(wayOf([{ script, text: beginning }]));
        for (let at = 1; text.length >= LONG && at < text.length - 1; at++) {
          unit.ways.push(wayOf([{ script, text: text.slice(0, at) }, { script, text: text.slice(at) }]));
        }
      }
      if (script !== "word" || text.length < LONG) continue;
      let forms = known.filter((word) => word.startsWith(text) && word !== text && word.length <= text.length + LONGER);
      forms.push(...[1, 2].map((fewer) => text.slice(0, -fewer)).filter((word) => word.length >= LONG && (!known.length || all.has(word))));
      if (!forms.length && !all.has(text)) forms = alike(text);
      unit.ways.push(...forms.slice(0, MOST_FORMS).map(wordWay));
      if (unit.value === null) unit.longer = new RegExp(` ${text}\\p{L}{1,${LONGER}} `, "u");
    }
    return units;
  }

  // One typing error away, of long words two: the distance of optimal string alignment.
  function alike(word) {
    const most = word.length < 8 ? 1 : 2;
    return known.filter((other) => Math.abs(other.length - word.length) <= most)
      .map((other) => [distance(word, other), other]).filter(([far]) => far <= most)
      .sort(([one], [other]) => one - other).slice(0, 8).map(([, other]) => other);
  }

  function distance(one, other) {
    let before = [], row = [...Array(other.length + 1).keys()];
    for (let at = 1; at <= one.length; at++) {
      const next = [at];
      for (let place = 1; place <= other.length; place++) {
        const same = one[at - 1] === other[place - 1] ? 0 : 1;
        next[place] = Math.min(row[place] + 1, next[place - 1] + 1, row[place - 1] + same);
        if (at > 1 && place > 1 && one[at - 1] === other[place - 2] && one[at - 2] === other[place - 1]) {
          next[place] = Math.min(next[place], before[place - 2] + 1);
        }
      }
      [before, row] = [row, next];
    }
    return row[other.length];
  }

  function shardOf(term) {
    let value = 0x811c9dc5;
    for (let at = 0; at < term.length; at++) value = Math.imul(value ^ term.charCodeAt(at), 0x01000193) >>> 0;
    return value % Number(document.body.dataset.shards);
  }

  const both = (one, other) => new Set([...one].filter((each) => other.has(each)));

  // Numbers of the assets that have all of the terms; null for any.
  async function assetsOf(terms) {
    let found = null;
    for (const term of terms) {
      const shard = shardOf(term);
      await load(`shelf/words/${shard}.js`);
      const own = new Set(shards.get(shard)?.[term] ?? []);
      found = found === null ? own : both(found, own);
    }
    return found;
  }

  // Assets that may answer: those that the shards name, and those that are newer than the shards.
  async function candidates(units) {
    if (!Number(document.body.dataset.shards)) return cards;
    await load("shelf/words/about.js");
    const old = new Map(indexed.map(([id, digest], number) => [id, { digest, number }]));
    let named = null;
    for (const unit of units.filter((each) => !each.out)) {
      let own = new Set();
      for (const way of [...unit.ways, ...(unit.value === null ? [] : [{ terms: [String(unit.value)], open: false }])]) {
        const having = await assetsOf(way.open ? way.terms.slice(0, -1) : way.terms);
        own = having === null || own === null ? null : new Set([...own, ...having]);
      }
      if (own !== null) named = named === null ? own : both(named, own);
    }
    return cards.filter((card) => {
      const indexedAs = old.get(card.id);
      return !indexedAs || indexedAs.digest !== card.digest || named === null || named.has(indexedAs.number);
    });
  }

  function chosen(card) {
    const language = byId("language").value, person = byId("person").value, sound = byId("sound").value;
    return (!language || card.languages.includes(language)) && (!person || card.people.includes(person))
      && (!sound || card.sounds.includes(sound));
  }

  const make = (name, given = {}, ...children) => {
    const element = Object.assign(document.createElement(name), given);
    element.append(...children);
    return element;
  };
  const report = (id, at) => `${encodeURIComponent(id)}/report.html${at === undefined ? "" : `#t=${at.toFixed(2)}`}`;

  function clock(seconds) {
    const whole = Math.floor(seconds), two = (value) => String(value).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  }

  function marked(text, units, numbers) {
    const folded = fold(text), parts = [];
    const places = numbers.filter(([value]) => units.some((unit) => unit.value === value)).map(([, start, end]) => [start, end]);
    if (folded.length === text.length) {
      const wanted = units.filter((unit) => unit.value !== null).map((unit) => String(unit.value));
      for (const found of wanted.length ? folded.matchAll(PIECE) : []) {
        if (found.groups.number && wanted.includes(found[0].replace(/[^\p{Nd}]/gu, ""))) places.push([found.index, found.index + found[0].length]);
      }
      for (const { shown } of units.flatMap((unit) => unit.out ? [] : unit.ways)) {
        for (let at = folded.indexOf(shown); shown && at >= 0; at = folded.indexOf(shown, at + shown.length)) {
          places.push([at, at + shown.length]);
        }
      }
    }
    let reached = 0;
    for (const [start, end] of places.sort((one, other) => one[0] - other[0] || other[1] - one[1])) {
      if (start < reached) continue;
      parts.push(text.slice(reached, start), make("mark", { textContent: text.slice(start, end) }));
      reached = end;
    }
    return [...parts, text.slice(reached)];
  }

  function drawCards(list) {
    byId("shelf").replaceChildren(...list.slice(0, shown).map((card) => {
      const picture = make("div", { className: "picture", textContent: "\u266a" });
      if (card.picture) {  // the cache that it lies in may have been tidied since
        const src = card.picture.split("/").map(encodeURIComponent).join("/");
        picture.replaceChildren(make("img", { src, alt: "", loading: "lazy", onerror: () => picture.replaceChildren("\u266a") }));
      }
      const day = card.day ?? new Date(card.made * 1000).toISOString().slice(0, 10);
      const facts = [DATED[card.dated] ? `${DATED[card.dated]} ${day}` : day, clock(card.seconds), card.languages.join(", ")].filter(Boolean).join(" \u00b7 ");
      return make("li", { className: "card" }, make("a", { href: report(card.id) }, picture,
        make("p", { className: "name", dir: "auto", textContent: card.name }),
        make("p", { textContent: facts }),
        make("p", { dir: "auto", textContent: card.people.slice(0, 6).join(", ") }),
        make("p", { textContent: card.sounds.slice(0, 4).join(", ") })));
    }));
    byId("more").hidden = list.length <= shown;
  }

  // SPEAKER_00 is Speaker 1 to people.
  const called = (who) => who.replace(/^SPEAKER_(\d+)$/, (_, number) => `Speaker ${Number(number) + 1}`);
  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

  async function draw() {
    const mine = ++asked, question = byId("words").value.trim(), list = cards.filter(chosen);
    const units = parse(question);
    if (!units.length) {
      byId("found").replaceChildren();
      byId("found").dataset.question = question;
      byId("count").textContent = count(list.length, "recording");
      drawCards(list);
      return;
    }
    await widened(units);
    const may = (await candidates(units)).filter(chosen);
    const found = [], answering = [];
    let looked = 0, told = performance.now();
    while (looked < may.length && found.length < MOMENTS) {
      const batch = may.slice(looked, looked + AHEAD);
      await Promise.all(batch.map((card) => load(saidOf(card))));
      if (mine !== asked) return;
      for (const card of batch) {
        const rows = answersOf(card, units);
        if (rows.length) answering.push(card);
        for (const [start, who, text, numbers = []] of rows) found.push({ card, start, who, text, numbers });
      }
      looked += batch.length;
      if (said.size > KEPT) for (const card of batch) { said.delete(card.id); scripts.delete(saidOf(card)); }
      if (performance.now() - told > SECOND) {
        told = performance.now();
        byId("count").textContent = `${count(found.length, "moment")}, ${looked} of ${count(may.length, "recording")} looked through`;
        drawFound(found, units);
      }
    }
    const more = found.length > MOMENTS || looked < may.length ? ", the newest first; the command line finds more" : "";
    byId("count").textContent = `${count(Math.min(found.length, MOMENTS), "moment")} in ${count(answering.length, "recording")}${more}`;
    drawFound(found, units);
    if (!found.length) byId("found").replaceChildren(make("li", { textContent: NOTHING }));
    drawCards(answering);
    byId("found").dataset.question = question;
  }

  const saidOf = (card) => `shelf/said/${encodeURIComponent(card.id)}.js`;

  const hasWay = (way, folded, own) => way.plain.every((each) => folded.includes(each)) && own().includes(way.text);

  function answersOf(card, units) {
    return (said.get(card.id) ?? []).filter(([, , text, numbers = []]) => {
      const folded = fold(text);
      let terms;
      const own = () => terms ??= padded(text);
      return units.every((unit) => unit.out !== (unit.ways.some((way) => hasWay(way, folded, own))
        || unit.longer?.test(own()) || (unit.value !== null
          && (numbers.some(([value]) => value === unit.value) || own().includes(` ${unit.value} `)))));
    });
  }

  function drawFound(found, units) {
    byId("found").replaceChildren(...found.slice(0, MOMENTS).map(({ card, start, who, text, numbers }) => make("li", {},
      make("a", { className: "time", href: report(card.id, start), textContent: clock(start) }),
      make("span", { className: "said", dir: "auto" }, ...marked(text, units, numbers)),
      make("span", { className: "from", dir: "auto", textContent: [called(who), card.name].filter(Boolean).join(" \u00b7 ") }))));
  }

  function offer(id, values) {
    const counted = new Map();
    for (const value of values) counted.set(value, (counted.get(value) ?? 0) + 1);
    const sorted = [...counted].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
    byId(id).append(...sorted.slice(0, 300).map(([value, times]) => make("option", { value, textContent: `${value} (${times})` })));
  }

  async function start() {
    await load("shelf/assets.js");
    offer("language", cards.flatMap((card) => card.languages));
    offer("person", cards.flatMap((card) => card.people));
    offer("sound", cards.flatMap((card) => card.sounds));
    let timer;
    byId("words").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(draw, 150); });
    for (const id of ["language", "person", "sound"]) byId(id).addEventListener("change", draw);
    byId("ask").addEventListener("submit", (event) => { event.preventDefault(); draw(); });
    byId("more").addEventListener("click", () => { shown += SHOWN; draw(); });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.target.closest("input, select")) { event.preventDefault(); byId("words").focus(); }
    });
    await draw();
  }

  addEventListener("DOMContentLoaded", start);
  return {
    assets(list) { cards = list; },
    known(words) { known = words.split(" "); all = new Set(known); },
    about(list) { indexed = list; },
    words(number, terms) { shards.set(number, terms); },
    said(id, rows) { said.set(id, rows); },
  };
})();
