// Goes on as soon as every frame has loaded: the window's load event waits for them. So does a refresh that the page asks for, however
// long one takes, so the time that it names is kept here.
const goOn = () => location.replace(document.getElementById("continue").href);
addEventListener("load", goOn);
setTimeout(goOn, 5000);
