// The way to the demo, which runs on this machine. The key is in the part of the
// address that a browser sends nowhere.
const key = new URLSearchParams(location.hash.slice(1)).get('key') || '';
const headers = { Authorization: `Bearer ${key}` };

export const hasKey = key !== '';

async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

// act does something, and returns {id, error}: an error is a sentence.
export async function act(a) {
  try {
    return await post('/api/act', a);
  } catch {
    return { error: 'the demo can’t be reached' };
  }
}

export async function suggest(a) {
  try {
    return (await post('/api/suggest', a)).choices;
  } catch {
    return [];
  }
}

export async function search(words) { return post('/api/search', { words }); }

export async function disk() {
  const answer = await fetch('/api/disk', { headers });
  return answer.ok ? answer.json() : null;
}

// fileURL fetches what came with a message, for an image or a download.
export async function fileURL(who, message, n) {
  const answer = await fetch('/api/file?' + new URLSearchParams({ who, message, n }), { headers });
  return answer.ok ? URL.createObjectURL(await answer.blob()) : null;
}

const again = 1500; // milliseconds between tries

// listen hears of every change, for as long as the page is open.
export async function listen({ state, time, lost }) {
  for (;;) {
    let why = 'ended';
    try {
      const answer = await fetch('/api/events', { headers });
      if (answer.ok) {
        lost('');
        await read(answer.body, { state, time });
      } else {
        why = answer.status === 401 ? 'other' : 'ended';
      }
    } catch {
      // the connection is gone
    }
    lost(why);
    await new Promise((done) => { setTimeout(done, again); });
  }
}

async function read(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      const m = /^event: (\w+)\ndata: (.*)$/.exec(part);
      if (m) heard[m[1]]?.(JSON.parse(m[2]));
    }
  }
}
