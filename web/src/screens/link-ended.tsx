// What is left of a session's link that lets nobody in.

import { useEffect } from "preact/hooks";

export function LinkEnded() {
  useEffect(() => {
    document.title = "Fantail";
  }, []);
  return (
    <main class="login">
      <div class="ended" role="alert">
        <h1 class="brand">
          <img src="/favicon.svg" alt="" width="36" height="36" />
          Fantail
        </h1>
        <p>This link lets nobody in any more.</p>
        <p class="quiet">
          It was taken back, has expired, or was used as often as it may be. Whoever sent it can make another.
        </p>
        <a class="button" href="/">
          Log in with an account
        </a>
      </div>
    </main>
  );
}
