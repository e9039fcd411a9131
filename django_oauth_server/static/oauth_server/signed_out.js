// Goes on as soon as every frame has loaded: the window's load event waits for them.
addEventListener("load", () => location.replace(document.getElementById("continue").href));
