// A button counts once: of an answer that is given twice, the app may get one and the person see the other. Who goes back may press again, and
// who is still here after fifteen seconds: their browser may have asked whether to open the app, and they said no. Over a slow network
// that is how long the app itself may take to answer, of which this page sees nothing.
let pressed = -Infinity;
addEventListener("submit", (event) => {
  if (event.submitter?.formMethod === "dialog") return;
  if (event.timeStamp - pressed < 15000) event.preventDefault();
  else pressed = event.timeStamp;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) pressed = -Infinity;
});
