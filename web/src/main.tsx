// The start of the page. The login token leaves the address before anything else happens.

import { render } from "preact";
import { App } from "./app";
import { followHistory, takeLoginError, takeLoginToken } from "./route";
import { followVisibleWindow } from "./window";

const loginToken = takeLoginToken();
const loginError = takeLoginError();
followHistory();
followVisibleWindow();

const root = document.getElementById("app");
if (root !== null) render(<App loginToken={loginToken} loginError={loginError} />, root);
