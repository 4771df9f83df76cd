/** The server's clock, learned from the dates of its answers: they count whole seconds, so each narrows it down. */

let least = -Infinity;
let most = Infinity;

/** Take in when an answer was made by the server's clock, asked for and heard by this page's; all in seconds. */
export function hear(date: number, asked: number, heard: number): void {
  // As it was made the server's clock stood between `date` and a second later, this one between `asked` and `heard`.
  const [low, high] = [date - heard, date + 1 - asked];
  // One of the clocks was set anew.
  if (low > most || high < least) [least, most] = [low, high];
  else [least, most] = [Math.max(least, low), Math.min(most, high)];
}

/** How far the server's clock is ahead of this one, in seconds; 0 for all that is known, if that may be. */
export function clockAhead(): number {
  if (least <= 0 && most >= 0) return 0;
  return (least + most) / 2;
}
