//! Greets whom the run's input names, and counts how often.

use sandglass::{log, Context, Failure};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Input {
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Greeting {
    count: u64,
}

#[sandglass::job]
fn run(ctx: Context) -> Result<String, Failure> {
    let name = ctx.input::<Input>()?.map_or("world".to_string(), |input| input.name);
    let greetings = ctx.table::<Greeting>("greetings")?;
    let before = greetings.get(&name)?.map_or(0, |row| row.fields.count);
    greetings.put(&name, &Greeting { count: before + 1 })?;
    log::info!("greeting {name} for the {}. time", before + 1);
    Ok(format!("Hello, {name}!"))
}
