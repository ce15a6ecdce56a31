// Who has control of the session: said to those who cannot type, who may ask for it or take it back, and asked of those
// who can give it.

import { label } from "../label";
import type { Attached } from "../terminal/attached";

// Below the bar, only where this window does not decide the session's size: it takes room from the terminal.
export function ControlStrip({ attached }: { attached: Attached }) {
  if (attached.over) return null;
  if (!attached.control.value) {
    return (
      <div class="strip" role="status">
        <span>You only watch. Typing is off.</span>
      </div>
    );
  }
  const holder = attached.holder.value;
  if (holder === null || attached.holds) return null;
  return (
    <div class="strip" role="status">
      <span>
        {attached.asks
          ? `You have asked ${holder.name} for control.`
          : `${holder.name} has control. Typing is off.`}
      </span>
      <HolderAction attached={attached} />
    </div>
  );
}

function HolderAction({ attached }: { attached: Attached }) {
  if (attached.owns.value) {
    return (
      <button type="button" onClick={() => attached.takeControl()}>
        Take back
      </button>
    );
  }
  if (attached.asks) {
    return (
      <button type="button" onClick={() => attached.releaseControl()}>
        Withdraw
      </button>
    );
  }
  return (
    <button type="button" class="primary" onClick={() => attached.askForControl()}>
      Ask for control
    </button>
  );
}

// Over the terminal, which keeps its size. They stay until they are answered.
export function Requests({ attached }: { attached: Attached }) {
  const mayAnswer = (attached.holds || attached.owns.value) && attached.control.value && !attached.over;
  const others = attached.asking.value.filter(({ client }) => client !== attached.clientId);
  return (
    <div class="requests" role="status" aria-live="polite">
      {mayAnswer &&
        others.map((one) => {
          const name = label(one.name ?? "") || "Somebody";
          return (
            <div key={one.client} class="notice request">
              <span>{name} asks for control.</span>
              <button
                type="button"
                class="primary"
                aria-label={`Give control to ${name}`}
                onClick={() => attached.answer(one, true)}
              >
                Give
              </button>
              <button
                type="button"
                aria-label={`Decline ${name}`}
                onClick={() => attached.answer(one, false)}
              >
                Decline
              </button>
            </div>
          );
        })}
    </div>
  );
}
