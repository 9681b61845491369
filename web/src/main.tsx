/** The page's entry. */

import "@fontsource-variable/inter/wght.css";
import "./styles/page.css";

import { render } from "solid-js/web";

import { App } from "./app/App.jsx";
import { applyTheme } from "./app/preferences.js";

applyTheme();
render(() => <App />, document.getElementById("page") as HTMLElement);
