// A button counts once: of an answer that is given twice, the app may get one and the person see the other. Who goes back may press again, and
// who is still here after three seconds: their browser may have asked whether to open the app, and they said no.
let pressed = -Infinity;
addEventListener("submit", (event) => {
  if (event.submitter?.formMethod === "dialog") return;
  if (event.timeStamp - pressed < 3000) event.preventDefault();
  else pressed = event.timeStamp;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) pressed = -Infinity;
});
