// A button counts once: of an answer that is given twice, the app may get one and the person see the other. Who goes back, or waits, may press again.
let pressed = -Infinity;
addEventListener("submit", (event) => {
  if (event.submitter?.formMethod === "dialog") return;
  if (event.timeStamp - pressed < 10_000) event.preventDefault();
  else pressed = event.timeStamp;
});
addEventListener("pageshow", () => { pressed = -Infinity; });
