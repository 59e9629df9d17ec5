//! The attribute behind `#[sandglass::job]`. It only writes the glue between a function and the exported
//! `run`; everything that can be an ordinary function lives in the crate `sandglass`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, ReturnType};

/// Makes a function the job of this component.
///
/// The function takes a `sandglass::Context` and returns `Result<T, E>`. `T` is `()`, anything that
/// implements `ToString`, or an `Option` of such: the text is kept with the run, and may have up to
/// 64 KiB. `E` is `sandglass::Failure`, or an error that converts into it. A component has one job.
#[proc_macro_attribute]
pub fn job(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(&arguments.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(arguments: &TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new(arguments.span(), "#[sandglass::job] takes no arguments"));
    }
    let function: ItemFn = syn::parse2(item)?;
    check(&function)?;
    let name = &function.sig.ident;
    Ok(quote! {
        // The context is the job's to keep.
        #[allow(clippy::needless_pass_by_value)]
        #function

        const _: () = {
            struct SandglassJob;

            impl ::sandglass::__private::Guest for SandglassJob {
                fn run(
                    input: ::core::option::Option<::std::string::String>,
                ) -> ::core::result::Result<
                    ::core::option::Option<::std::string::String>,
                    ::sandglass::__private::WitFailure,
                > {
                    // Unused where the function returns `()` or an `Option`.
                    #[allow(unused_imports)]
                    use ::sandglass::__private::ResultText as _;
                    match #name(::sandglass::__private::start(input)) {
                        ::core::result::Result::Ok(value) => {
                            ::core::result::Result::Ok(::sandglass::__private::Returned(value).text())
                        }
                        ::core::result::Result::Err(error) => ::core::result::Result::Err(
                            ::core::convert::Into::into(
                                <::sandglass::Failure as ::core::convert::From<_>>::from(error),
                            ),
                        ),
                    }
                }
            }

            ::sandglass::__private::export!(SandglassJob with_types_in ::sandglass::bindings);
        };
    })
}

/// What the compiler would only complain about somewhere in the generated code.
fn check(function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    let complain = |span, message| Err(Error::new(span, message));
    if let Some(word) = &signature.asyncness {
        return complain(
            word.span(),
            "a job is a plain function: the calls of its context wait by themselves",
        );
    }
    if !signature.generics.params.is_empty() {
        return complain(signature.generics.span(), "a job has no generic parameters");
    }
    let mut arguments = signature.inputs.iter();
    match (arguments.next(), arguments.next()) {
        (Some(FnArg::Typed(_)), None) => {}
        _ => return complain(signature.span(), "a job takes one argument: `ctx: sandglass::Context`"),
    }
    match &signature.output {
        ReturnType::Type(..) => Ok(()),
        ReturnType::Default => {
            complain(signature.span(), "a job returns a Result, such as `Result<(), sandglass::Failure>`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(item: TokenStream) -> String {
        expand(&TokenStream::new(), item).expect_err("this is no job").to_string()
    }

    #[test]
    fn a_plain_function_becomes_an_export() {
        let job = quote!(
            fn run(ctx: Context) -> Result<String, Failure> {
                unreachable!()
            }
        );
        let text = expand(&TokenStream::new(), job).expect("a job").to_string();
        assert!(text.contains("export !"), "{text}");
    }

    #[test]
    fn what_is_no_job_is_told_why() {
        let cases = [
            (
                quote!(
                    async fn run(ctx: Context) -> Result<(), Failure> {}
                ),
                "plain function",
            ),
            (
                quote!(
                    fn run<T>(ctx: T) -> Result<(), Failure> {}
                ),
                "generic",
            ),
            (
                quote!(
                    fn run() -> Result<(), Failure> {}
                ),
                "one argument",
            ),
            (
                quote!(
                    fn run(a: Context, b: u8) -> Result<(), Failure> {}
                ),
                "one argument",
            ),
            (
                quote!(
                    fn run(&self) -> Result<(), Failure> {}
                ),
                "one argument",
            ),
            (
                quote!(
                    fn run(ctx: Context) {}
                ),
                "returns a Result",
            ),
        ];
        for (item, reason) in cases {
            let message = complaint(item);
            assert!(message.contains(reason), "{message}");
        }
        let message = expand(
            &quote!(every = "1h"),
            quote!(
                fn run() {}
            ),
        )
        .expect_err("no job")
        .to_string();
        assert!(message.contains("no arguments"), "{message}");
    }
}
