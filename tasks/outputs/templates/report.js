"use strict";
// The player, the transcript and the timeline show the same moment. Addresses ending in #t=12.5 lead to it.
(() => {
  const language = document.querySelector("[data-language]");
  if (/^[a-z]{2,3}$/.test(language?.dataset.language)) {
    const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
    language.textContent = names.of(language.dataset.language);
  }
  const player = document.getElementById("player");
  document.documentElement.classList.add("js");
  const pane = document.querySelector(".pane");
  const segments = pane ? [...pane.children] : [];
  const told = document.getElementById("told");

  // What is looked for: sentences without it step aside. Letters alone count, as they are without accents.
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
  const find = document.getElementById("find");
  find?.addEventListener("input", () => {
    const wanted = plain(find.value.trim()).split(/\s+/).join(" ");
    let hits = 0;
    for (const each of segments) {
      const hit = !wanted || plain(each.textContent).replace(/\s+/g, " ").includes(wanted);
      each.classList.toggle("other", !hit);
      hits += hit;
    }
    told.textContent = wanted ? `${hits} of ${segments.length}` : "";
  });

  /** The sentence that is marked, else heard, else the first: its words, speaker, time and address. */
  function quoted() {
    const marked = getSelection();
    const text = marked.isCollapsed ? "" : marked.toString().trim();
    const from = text && marked.getRangeAt(0).startContainer.parentElement?.closest(".segment");
    const one = from && pane.contains(from) ? from : (pane.querySelector(".segment.now") ?? segments[0]);
    const own = from && one === from ? text : one.querySelector("p").textContent.trim();
    let who = one;
    while (who && !who.querySelector(".who")) who = who.previousElementSibling;
    const name = who?.querySelector(".who").textContent.trim();
    const link = one.querySelector(".time");
    const words = own.replace(/\s+/g, " ");
    return `“${words}” (${name ? `${name}, ` : ""}${link.textContent.trim()}) ${link.href}`;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without leave to write there, or in a page from disk: as browsers always could.
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  }

  document.getElementById("quote")?.addEventListener("click", async () => {
    await copy(quoted());
    told.textContent = "copied";
  });
  if (!player) return;
  document.getElementById("speed")?.addEventListener("change", (event) => {
    player.playbackRate = Number(event.target.value);
  });
  const start = Number(document.body.dataset.start) || 0; // of what was analysed
  const duration = Number(document.body.dataset.duration) || 1;
  const lanes = document.querySelector(".lanes");
  const playhead = document.querySelector(".playhead");
  const follow = document.getElementById("follow");
  const starts = segments.map((segment) => Number(segment.dataset.start));
  let segment = -1;
  let words = [];
  let wordStarts = [];
  let word = null;
  let handsOffUntil = 0; // people who scroll are left alone for a while

  /** Position of the last of the ascending `times` that is not after `time`, or -1. */
  function reached(times, time) {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  function show(time) {
    if (lanes) {
      lanes.style.setProperty("--at", Math.min(Math.max((time - start) / duration, 0), 1));
      playhead.hidden = false;
    }
    const found = reached(starts, time + 0.01);
    if (found !== segment) enter(found);
    const current = words[reached(wordStarts, time + 0.01)] ?? null;
    if (current === word) return;
    word?.classList.remove("now");
    current?.classList.add("now");
    word = current;
  }

  function enter(found) {
    segments[segment]?.classList.remove("now");
    segments[segment]?.removeAttribute("aria-current");
    segment = found;
    words = found < 0 ? [] : [...segments[found].querySelectorAll("[data-t]")];
    wordStarts = words.map((each) => Number(each.dataset.t));
    if (found < 0) return;
    segments[found].classList.add("now");
    segments[found].setAttribute("aria-current", "true");
    if (follow?.checked && performance.now() > handsOffUntil) bringIntoView(segments[found]);
  }

  function bringIntoView(element) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || player.paused;
    pane.scrollTo({ top: element.offsetTop - pane.clientHeight / 3, behavior: calm ? "auto" : "smooth" });
  }

  function seek(time) {
    player.currentTime = time;
    show(time);
  }

  /** Every frame while playing: words are shorter than the player's own updates are apart. */
  function run() {
    show(player.currentTime);
    if (!player.paused) requestAnimationFrame(run);
  }

  function timeOf(link) {
    return Number(link.hash.slice(3));
  }

  function seekToAddress() {
    const asked = /^#t=(\d+(\.\d+)?)$/.exec(location.hash);
    if (asked) seek(Number(asked[1]));
    else if (start && !player.currentTime) seek(start);
  }

  player.addEventListener("play", run);
  player.addEventListener("seeked", () => show(player.currentTime));
  player.addEventListener("timeupdate", () => show(player.currentTime));
  player.addEventListener("error", () => (document.getElementById("lost").hidden = false));
  if (player.error) document.getElementById("lost").hidden = false;

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-t], .time, .track");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (target.matches(".time")) {
      event.preventDefault();
      seek(timeOf(target));
    } else if (target.matches(".track")) {
      const box = target.getBoundingClientRect();
      seek(start + ((event.clientX - box.left) / box.width) * duration);
    } else if (getSelection().isCollapsed) {
      seek(Number(target.dataset.t));
    }
  });

  // One tab stop for the whole transcript: up and down between utterances, left and right between words.
  for (const each of segments) each.querySelector(".time").tabIndex = -1;
  if (segments[0]) segments[0].querySelector(".time").tabIndex = 0;

  function focusOn(element) {
    for (const old of pane.querySelectorAll("[tabindex='0']")) old.tabIndex = -1;
    element.tabIndex = 0;
    element.focus();
  }

  pane?.addEventListener("keydown", (event) => {
    handsOffUntil = performance.now() + 5000;
    const at = event.target.closest(".segment");
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const stops = [at.querySelector(".time"), ...at.querySelectorAll("[data-t]")];
    const next = {
      ArrowDown: () => at.nextElementSibling?.querySelector(".time"),
      ArrowUp: () => at.previousElementSibling?.querySelector(".time"),
      ArrowRight: () => stops[stops.indexOf(event.target) + 1],
      ArrowLeft: () => stops[stops.indexOf(event.target) - 1],
    }[event.key];
    if (next) {
      event.preventDefault();
      const element = next();
      if (element) focusOn(element);
    } else if (event.key === "Enter" && event.target.dataset.t) {
      seek(Number(event.target.dataset.t));
    }
  });
  for (const kind of ["wheel", "touchmove", "pointerdown"]) {
    pane?.addEventListener(kind, () => (handsOffUntil = performance.now() + 5000), { passive: true });
  }
  addEventListener("hashchange", seekToAddress);
  seekToAddress();
})();
