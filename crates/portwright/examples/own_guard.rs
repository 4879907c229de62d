//! A guard written in Rust: nobody spends more than a budget allows. `cargo run --example own_guard`, then
//! `portwright call order amount=80 --url http://127.0.0.1:8722/mcp`.

use portwright::App;
use portwright_core::tool::Tools;
use portwright_core::{Call, Context, Guard, Next, Operation, Refusal, Reply, async_trait};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Refuses orders above an amount. It sees each call with who makes it, on every transport alike.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The most that one order may cost.
    pub(crate) max: f64,
}

#[async_trait]
impl Guard for Budget {
    fn name(&self) -> &'static str {
        "budget"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        if let Operation::CallTool { name, arguments } = &call.operation
            && name == "order"
        {
            // Arguments are held against the schema further in, so anything may stand here: what can't be judged is
            // refused.
            let Some(amount) = arguments.get("amount").and_then(Value::as_f64) else {
                return Err(Refusal::invalid("`amount` must be a number: what the order costs"));
            };
            if amount > self.max {
                let who = cx.principal().map_or("nobody", |principal| &principal.id);
                tracing::info!(who, amount, "order above the budget");
                cx.note(|trail| trail.flags.push("budget".to_owned()));
                return Err(Refusal::failed(format!("an order may cost {} at most; ask for less", self.max)));
            }
        }
        next.run(call, cx).await
    }
}

/// The arguments of `order`.
#[derive(Deserialize, JsonSchema)]
struct Order {
    /// What the order costs
    amount: f64,
}

/// A shop behind the guard.
pub(crate) fn app() -> App {
    let shop = Tools::new("shop").tool("order", "Orders something.", |order: Order, _: Context| async move {
        Ok::<_, Refusal>(format!("ordered for {}", order.amount))
    });
    App::new("shop").source("shop", shop).guard(Budget { max: 100.0 })
}

#[tokio::main]
#[cfg_attr(test, expect(dead_code, reason = "tests call what it is made of"))]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(app().run().await?)
}
